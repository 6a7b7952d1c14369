// A receiver, as it is reached from one address of ours: 'gmail', 'gmail from 192.0.2.1'.

export type LaneKey = string

const from = ' from '

/** `address`: undefined where the system chooses it. */
export function laneKey(siteKey: string, address: string | undefined): LaneKey {
  return address === undefined ? siteKey : `${siteKey}${from}${address}`
}

/** 'gmail' */
export function siteOfLane(key: LaneKey): string {
  return key.split(from, 1)[0] ?? key
}
