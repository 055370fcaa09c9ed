import { AnalyticsBrowser } from '@segment/analytics-next'

// The client may send the last events after its calls, and what a page has not sent when its browser
// ends is lost. So this page is done once each of its events was answered.
const EVENTS = 6
let answered = 0
const allAnswered = new Promise(resolve => {
  const send = window.fetch
  window.fetch = async (address, request) => {
    const response = await send(address, request)
    const body = JSON.parse(request?.body ?? '{}')
    answered += body.batch?.length ?? ('type' in body ? 1 : 0)
    if (answered === EVENTS) resolve()
    return response
  }
})

const parameters = new URLSearchParams(location.search)
const batching = { deliveryStrategy: { strategy: 'batching', config: { size: 4, timeout: 50 } } }
const options = parameters.get('batching') ? { integrations: { 'Segment.io': batching } } : {}
const analytics = AnalyticsBrowser.load({ writeKey: 'KEY_OF_A_PAGE', cdnURL: parameters.get('capture') }, options)
await analytics.page('Docs', 'Home')
await analytics.identify('u1', { email: 'ada@example.com' })
await analytics.track('Order Completed', { total: 12.5 })
await analytics.group('g1', { name: 'Acme' })
await analytics.alias('u2')
await analytics.screen('Docs', 'Home')
await allAnswered
await fetch('/done', { method: 'POST' })
