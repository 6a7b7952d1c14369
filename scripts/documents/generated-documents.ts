// The documents that come from the code.
import { composeCommandsPage } from './commands-page.ts'
import { composeRepliesPage } from './replies-page.ts'
import { composeSettingsPage } from './settings-page.ts'

export interface GeneratedDocument {
  /** From the root of the repository. */
  readonly file: string
  readonly compose: () => string | Promise<string>
}

export const generatedDocuments: readonly GeneratedDocument[] = [
  { file: 'docs/settings.md', compose: composeSettingsPage },
  { file: 'docs/replies.md', compose: composeRepliesPage },
  { file: 'docs/commands.md', compose: composeCommandsPage },
]
