// Certificates of an authority as the database keeps them, so that of several servers one asks for them and all have them.
import { defineRead, defineWrite, type Tx } from '../storage/operation.ts'
import type { AcmeAccount, AcmeCertificate, ChallengeType, IssuingProblem } from './records.ts'

interface AccountRow {
  readonly directory: string
  readonly key_pem: string
  readonly url: string | null
  readonly contact: string | null
}

interface CertificateRow {
  readonly name: string
  readonly key_pem: string
  readonly key_since: number
  readonly next_key_pem: string | null
  readonly next_key_since: number | null
  readonly certificate_pem: string | null
  readonly directory: string | null
  readonly issued_at: number | null
  readonly next_at: number
  readonly failures: number
  readonly problem: string | null
}

const columns =
  'name, key_pem, key_since, next_key_pem, next_key_since, certificate_pem, directory, issued_at, next_at, failures, problem'

function readRow(row: CertificateRow): AcmeCertificate {
  return {
    name: row.name,
    keyPem: row.key_pem,
    keySince: row.key_since,
    nextKey:
      row.next_key_pem === null || row.next_key_since === null
        ? undefined
        : { pem: row.next_key_pem, since: row.next_key_since },
    certificatePem: row.certificate_pem ?? undefined,
    directory: row.directory ?? undefined,
    issuedAt: row.issued_at ?? undefined,
    nextAt: row.next_at,
    failures: row.failures,
    problem: row.problem === null ? undefined : (JSON.parse(row.problem) as IssuingProblem),
  }
}

/** The one that is kept: of several servers that make a key at one time, one was first. */
export const keepAcmeAccount = defineWrite(
  'acme.keep-account',
  async (
    tx,
    { directory, keyPem }: { readonly directory: string; readonly keyPem: string },
  ): Promise<AcmeAccount> => {
    await tx.run(
      'INSERT INTO acme_account (directory, key_pem) VALUES (?, ?) ON CONFLICT (directory) DO NOTHING',
      directory,
      keyPem,
    )
    const account = await findAccount(tx, directory)
    if (!account) throw new Error(`the account at ${directory} was not kept`)
    return account
  },
)

async function findAccount(tx: Tx, directory: string): Promise<AcmeAccount | undefined> {
  const row = await tx.get<AccountRow>(
    'SELECT directory, key_pem, url, contact FROM acme_account WHERE directory = ?',
    directory,
  )
  return (
    row && { directory, keyPem: row.key_pem, url: row.url ?? undefined, contact: row.contact ?? undefined }
  )
}

export const findAcmeAccount = defineRead(
  'acme.find-account',
  async (tx, { directory }: { readonly directory: string }): Promise<AcmeAccount | undefined> =>
    await findAccount(tx, directory),
)

/** Without a URL it is registered anew the next time. */
export const noteAcmeAccount = defineWrite(
  'acme.note-account',
  async (
    tx,
    {
      directory,
      url,
      contact,
    }: {
      readonly directory: string
      readonly url: string | undefined
      readonly contact: string | undefined
    },
  ): Promise<void> => {
    await tx.run(
      'UPDATE acme_account SET url = ?, contact = ? WHERE directory = ?',
      url ?? null,
      contact ?? null,
      directory,
    )
  },
)

export const listAcmeCertificates = defineRead(
  'acme.list-certificates',
  async (tx): Promise<AcmeCertificate[]> => {
    const rows = await tx.all<CertificateRow>(`SELECT ${columns} FROM acme_certificate ORDER BY name`)
    return rows.map(readRow)
  },
)

/** Begins a name, unless there is one: the key is that of its first certificate. */
export const beginAcmeCertificate = defineWrite(
  'acme.begin-certificate',
  async (
    tx,
    { name, keyPem, now }: { readonly name: string; readonly keyPem: string; readonly now: number },
  ): Promise<void> => {
    await tx.run(
      `INSERT INTO acme_certificate (name, key_pem, key_since, next_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (name) DO NOTHING`,
      name,
      keyPem,
      now,
      now,
    )
  },
)

export interface Claim {
  readonly name: string
  /** Names a run of a server. */
  readonly by: string
}

/** undefined: it is not due, or another server is at it. */
export const claimAcmeCertificate = defineWrite(
  'acme.claim',
  async (
    tx,
    {
      name,
      by,
      until,
      now,
      directory,
    }: Claim & { readonly until: number; readonly now: number; readonly directory: string },
  ): Promise<AcmeCertificate | undefined> => {
    // Of another authority than the settings name: due at once, unless that has failed and waits.
    const { changes } = await tx.run(
      `UPDATE acme_certificate SET claimed_by = ?, claimed_until = ?
       WHERE name = ? AND claimed_until <= ? AND (next_at <= ? OR (failures = 0 AND directory <> ?))`,
      by,
      until,
      name,
      now,
      now,
      directory,
    )
    if (changes === 0) return undefined
    const row = await tx.get<CertificateRow>(`SELECT ${columns} FROM acme_certificate WHERE name = ?`, name)
    return row && readRow(row)
  },
)

const isClaimed = 'name = ? AND claimed_by = ?'

export interface Issued extends Claim {
  readonly certificatePem: string
  readonly keyPem: string
  readonly directory: string
  readonly at: number
  readonly nextAt: number
  /** It was issued for the next key, which is the present one now. */
  readonly isForNextKey: boolean
}

/** False: the claim had run out, and another server has it. */
export const keepIssued = defineWrite(
  'acme.keep-issued',
  async (
    tx,
    { name, by, certificatePem, keyPem, directory, at, nextAt, isForNextKey }: Issued,
  ): Promise<boolean> => {
    const { changes } = await tx.run(
      `UPDATE acme_certificate SET certificate_pem = ?, key_pem = ?, directory = ?, issued_at = ?, next_at = ?,
         failures = 0, problem = NULL, claimed_by = NULL, claimed_until = 0 WHERE ${isClaimed}`,
      certificatePem,
      keyPem,
      directory,
      at,
      nextAt,
      name,
      by,
    )
    if (changes > 0 && isForNextKey)
      await tx.run(
        'UPDATE acme_certificate SET key_since = ?, next_key_pem = NULL, next_key_since = NULL WHERE name = ?',
        at,
        name,
      )
    return changes > 0
  },
  { wakes: 'certificates' },
)

export const noteNotIssued = defineWrite(
  'acme.note-not-issued',
  async (
    tx,
    { name, by, problem, nextAt }: Claim & { readonly problem: IssuingProblem; readonly nextAt: number },
  ): Promise<void> => {
    await tx.run(
      `UPDATE acme_certificate SET failures = failures + 1, problem = ?, next_at = ?, claimed_by = NULL, claimed_until = 0
       WHERE ${isClaimed}`,
      JSON.stringify(problem),
      nextAt,
      name,
      by,
    )
  },
)

/** What a server had claimed that stops; without `by` whatever is claimed, where there is one server. */
export const releaseAcmeClaims = defineWrite(
  'acme.release-claims',
  async (tx, { by }: { readonly by: string | undefined }): Promise<void> => {
    const release = 'UPDATE acme_certificate SET claimed_by = NULL, claimed_until = 0'
    if (by === undefined) await tx.run(release)
    else await tx.run(`${release} WHERE claimed_by = ?`, by)
  },
)

/** A key that takes the place of the present one at a renewal; unless there is one. */
export const keepNextKey = defineWrite(
  'acme.keep-next-key',
  async (
    tx,
    { name, keyPem, now }: { readonly name: string; readonly keyPem: string; readonly now: number },
  ): Promise<boolean> => {
    const { changes } = await tx.run(
      'UPDATE acme_certificate SET next_key_pem = ?, next_key_since = ? WHERE name = ? AND next_key_pem IS NULL',
      keyPem,
      now,
      name,
    )
    return changes > 0
  },
)

/** Asks for new ones now, without waiting for what failed before; returns their names. */
export const renewAcmeCertificates = defineWrite(
  'acme.renew',
  async (
    tx,
    { names, now }: { readonly names: readonly string[]; readonly now: number },
  ): Promise<string[]> => {
    const renewed: string[] = []
    for (const name of names) {
      const { changes } = await tx.run(
        'UPDATE acme_certificate SET next_at = ?, failures = 0 WHERE name = ?',
        now,
        name,
      )
      if (changes > 0) renewed.push(name)
    }
    return renewed
  },
  { wakes: 'certificates' },
)

export interface KeptAnswer {
  readonly type: ChallengeType
  /** The token of an HTTP challenge, the name of a TLS one. */
  readonly askedFor: string
}

export const keepAnswer = defineWrite(
  'acme.keep-answer',
  async (
    tx,
    {
      type,
      askedFor,
      answer,
      now,
      expiresAt,
    }: KeptAnswer & { readonly answer: string; readonly now: number; readonly expiresAt: number },
  ): Promise<void> => {
    await tx.run('DELETE FROM acme_challenge WHERE expires_at <= ?', now)
    await tx.run(
      `INSERT INTO acme_challenge (type, asked_for, answer, expires_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (type, asked_for) DO UPDATE SET answer = excluded.answer, expires_at = excluded.expires_at`,
      type,
      askedFor,
      answer,
      expiresAt,
    )
  },
)

export const removeAnswer = defineWrite(
  'acme.remove-answer',
  async (tx, { type, askedFor }: KeptAnswer): Promise<void> => {
    await tx.run('DELETE FROM acme_challenge WHERE type = ? AND asked_for = ?', type, askedFor)
  },
)

export const findAnswer = defineRead(
  'acme.find-answer',
  async (tx, { type, askedFor }: KeptAnswer): Promise<string | undefined> => {
    const row = await tx.get<{ answer: string }>(
      'SELECT answer FROM acme_challenge WHERE type = ? AND asked_for = ?',
      type,
      askedFor,
    )
    return row?.answer
  },
)

export const acmeOperations = [
  keepAcmeAccount,
  findAcmeAccount,
  noteAcmeAccount,
  listAcmeCertificates,
  beginAcmeCertificate,
  claimAcmeCertificate,
  keepIssued,
  noteNotIssued,
  releaseAcmeClaims,
  keepNextKey,
  renewAcmeCertificates,
  keepAnswer,
  removeAnswer,
  findAnswer,
] as const
