// Why a file or folder of another message store cannot be used, in words.
import { UsageFault } from '../runtime/fault.ts'

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there. Correct the path.',
  ENOTDIR: 'a part of its path is a file, not a folder. Correct the path.',
  EISDIR: 'it is a folder.',
  EACCES: 'this user may not do that. Give him the right, or copy it to where he may.',
  EPERM: 'this user may not do that. Give him the right, or copy it to where he may.',
  EROFS: 'its file system is read-only. Name a folder elsewhere.',
  ENOSPC: 'the disk is full. Free some space, and repeat the command.',
  EDQUOT: 'the quota of the disk is used up. Free some space, and repeat the command.',
}

export function explainFile(path: string, cause: unknown): UsageFault {
  if (cause instanceof UsageFault) return cause
  const { code, message } = cause as NodeJS.ErrnoException
  return new UsageFault('MESSAGE_STORE_FILE', `${path}: ${reasons[code ?? ''] ?? `${message}.`}`, { cause })
}
