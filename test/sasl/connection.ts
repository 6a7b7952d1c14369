// A connection as a mechanism sees it.
import type { SaslConnection } from '../../src/sasl/mechanism.ts'

/** Without TLS, for mechanisms that do not look. */
export const anyConnection: SaslConnection = {
  channelBinding: () => undefined,
  offersChannelBinding: false,
  nonce: () => 'server-nonce',
}
