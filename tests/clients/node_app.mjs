import { Analytics } from '@segment/analytics-node'

// The client takes the host alone from an address, and a path apart from it.
const url = new URL(process.env.SEGCLI_CAPTURE_URL)
const path = `${url.pathname.replace(/\/$/, '')}/v1/batch`
const analytics = new Analytics({ writeKey: 'KEY_OF_NODE', host: url.origin, path, flushAt: 3 })
analytics.identify({ userId: 'u1', traits: { email: 'ada@example.com' } })
analytics.track({ userId: 'u1', event: 'Order Completed', properties: { total: 12.5 } })
analytics.page({ userId: 'u1', name: 'Home' })
analytics.screen({ anonymousId: 'a1', name: 'Home' })
analytics.group({ userId: 'u1', groupId: 'g1' })
analytics.alias({ userId: 'u1', previousId: 'a1' })
await analytics.closeAndFlush()
