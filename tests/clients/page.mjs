import { AnalyticsBrowser } from '@segment/analytics-next'

const parameters = new URLSearchParams(location.search)
const batching = { deliveryStrategy: { strategy: 'batching', config: { size: 3, timeout: 50 } } }
const options = parameters.get('batching') ? { integrations: { 'Segment.io': batching } } : {}
const analytics = AnalyticsBrowser.load({ writeKey: 'KEY_OF_A_PAGE', cdnURL: parameters.get('capture') }, options)
await analytics.page('Docs', 'Home')
await analytics.identify('u1', { email: 'ada@example.com' })
await analytics.track('Order Completed', { total: 12.5 })
await analytics.group('g1', { name: 'Acme' })
await analytics.alias('u2')
await analytics.screen('Docs', 'Home')
await fetch('/done', { method: 'POST' })
