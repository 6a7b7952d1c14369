// A receiver, as it is reached from one address of ours: 'gmail', 'gmail from 192.0.2.1'; and from all of a pool.

export type LaneKey = string

const from = ' from '

/** `address`: undefined where the system chooses it. */
export function laneKey(siteKey: string, address: string | undefined): LaneKey {
  return address === undefined ? siteKey : `${siteKey}${from}${address}`
}

/** 'gmail from newsletter': what mail of a pool waits for at its gate. */
export function poolKey(siteKey: string, pool: string | undefined): string {
  return pool === undefined ? siteKey : `${siteKey}${from}${pool}`
}

/** 'gmail' */
export function siteOfLane(key: LaneKey): string {
  return key.split(from, 1)[0] ?? key
}

/** undefined: the system chooses it. */
export function addressOfLane(key: LaneKey): string | undefined {
  return key.split(from, 2)[1]
}
