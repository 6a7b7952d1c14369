// Whether it is this machine that has no way to a network: then nothing is known of whoever is there.

const codes: readonly unknown[] = ['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENETDOWN']

/** `failure`: of the network, or with such a one as its cause. */
export function isWithoutWay(failure: unknown): boolean {
  if (!(failure instanceof Error)) return false
  return ('code' in failure && codes.includes(failure.code)) || isWithoutWay(failure.cause)
}
