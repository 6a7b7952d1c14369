// Why a file that was named on the command line cannot be read or written, without the system's jargon.

/** Goes on from 'x.toml cannot be read: '. */
export function describeFileError(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause ? String(cause.code) : ''
  return reasons[code] ?? `${cause.message}.`
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder. Correct the path.',
  ENOTDIR: 'a part of its path is a file, not a folder. Correct the path.',
  EISDIR: 'it is a folder. Name a file.',
  EACCES: 'this user may not do that. Change its mode or owner, or run this as the user it belongs to.',
  EPERM: 'this user may not do that. Change its mode or owner, or run this as the user it belongs to.',
  EROFS: 'its file system is read-only. Name a file elsewhere.',
  ENOSPC: 'the disk is full. Free some space.',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8 text. Save it as UTF-8.',
}
