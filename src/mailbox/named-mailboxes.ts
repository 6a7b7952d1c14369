// Mailboxes with the names that people know them by: what looks at mailboxes goes through these, all of them or some of one account.
import { defineRead, type Storage } from '../storage/operation.ts'

export interface NamedMailbox {
  readonly mailboxId: number
  /** Its owner's. */
  readonly accountId: number
  readonly address: string
  readonly name: string
}

/** Some mailboxes of an account, or all of them. */
export interface MailboxScope {
  readonly accountId: number
  readonly mailboxes: readonly NamedMailbox[]
}

const listNamed = defineRead(
  'mailbox.list-named',
  async (tx, { after }: { readonly after: number }): Promise<readonly NamedMailbox[]> =>
    await tx.all<NamedMailbox>(
      `SELECT mailbox.id AS "mailboxId", account_id AS "accountId", account.address, mailbox.name
         FROM mailbox JOIN account ON account.id = account_id
        WHERE mailbox.id > ? AND has_blocks = 1 ORDER BY mailbox.id LIMIT 500`,
      after,
    ),
)

/** Those of the scope, else those of all accounts. */
export async function* namedMailboxes(
  storage: Pick<Storage, 'run'>,
  scope: MailboxScope | undefined,
): AsyncGenerator<NamedMailbox> {
  if (scope) {
    yield* scope.mailboxes
    return
  }
  for (let after = 0; ; ) {
    const page = await storage.run(listNamed, { after })
    yield* page
    const last = page.at(-1)
    if (last === undefined) return
    after = last.mailboxId
  }
}
