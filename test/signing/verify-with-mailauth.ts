// What a verifier that we did not write (mailauth) says of the signatures of a message.
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'

export interface Verified {
  readonly domain: string
  readonly selector: string
  readonly algorithm: string
  /** 'pass', 'fail', 'neutral', 'permerror' … */
  readonly result: string
}

/** `records`: name → text. */
export async function verifyWithMailauth(
  mailData: string,
  records: ReadonlyMap<string, string>,
): Promise<Verified[]> {
  const { results } = await dkimVerify(Buffer.from(mailData, 'latin1'), {
    resolver(name) {
      const record = records.get(name)
      if (record !== undefined) return Promise.resolve([[record]])
      return Promise.reject(Object.assign(new Error(`no ${name}`), { code: 'ENOTFOUND' }))
    },
  })
  // Where there is no signature it says so in a result without a domain.
  return results.flatMap(({ signingDomain: domain, selector = '', algo: algorithm = '', status }) =>
    domain === undefined ? [] : [{ domain, selector, algorithm, result: status.result }],
  )
}
