// Whether a data folder that a person named will do, before anything is made in it.
import { existsSync } from 'node:fs'
import { problemOfFolder } from '../storage/make-folder.ts'
import { tryOutFile } from './try-out.ts'

export function problemOfDataFolder(folder: string): string | undefined {
  if (existsSync(tryOutFile(folder)))
    return `${folder} holds the data of the server to try out ("npm start"). Name another folder, such as /var/lib/postrider.`
  const problem = problemOfFolder(folder)
  return problem && `${problem} Name another folder, or run this as a user who may write there.`
}
