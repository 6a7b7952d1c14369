// What checks know of each other: one mistake is told once, where it is to be mended, and not again by each check that fails of it.
import type { OwnServer } from './own-server.ts'

export interface Circumstances {
  readonly own: OwnServer
  readonly now: number
  /** The address records of this name of ours are to be mended first. */
  readonly isMisled: (name: string) => boolean
  /** The MX records of this domain are. */
  readonly isMisrouted: (domain: string) => boolean
  /** It leads to this server. */
  readonly isOurs: (address: string) => boolean
}

export function misled(name: string): string {
  return `the addresses of ${name} have to be mended first`
}

export function misrouted(domain: string): string {
  return `the MX records of ${domain} have to be mended first`
}

export const unknownSource =
  'which address others see is not known, for mail leaves from a private one; name it: --public-address'

export function othersSend(smartHost: string): string {
  return `mail leaves through ${smartHost}, and what receivers see are the addresses of that`
}
