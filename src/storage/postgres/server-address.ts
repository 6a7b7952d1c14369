// Where the database is: a connection URI of PostgreSQL, with one host or several of which one is the primary
// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS).

export interface ServerAddress {
  /** A URI for each host, in the order in which they are asked for the primary. */
  readonly uris: readonly string[]
  /** Without the password, for people: 'db1.example.org:5432,db2.example.org:5432/postrider'. */
  readonly name: string
}

/** 'postgres://user:password@host:port,host:port/database?sslmode=…'; undefined when it is none. */
export function parseServerAddress(text: string): ServerAddress | undefined {
  const match = /^(postgres(?:ql)?:\/\/)([^@/?#]*@)?([^/?#]*)(\/[^?#]*)?(\?[^#]*)?$/.exec(text)
  if (!match) return undefined
  const [, scheme = '', login = '', hostList = '', database = '', parameters = ''] = match
  const hosts = hostList.split(',')
  // What has to be escaped in a password ends it here, and the rest must not be shown as a host.
  if (hosts.some(host => host === '' || host.includes('@'))) return undefined
  const uris = hosts.map(host => `${scheme}${login}${host}${database}${parameters}`)
  if (!uris.every(uri => URL.canParse(uri))) return undefined
  return { uris, name: `${hosts.join(',')}${database}` }
}

/** Of one URI, without the password: 'db1.example.org:5432/postrider'. */
export function nameOfHost(uri: string): string {
  const { host, pathname } = new URL(uri)
  return `${host}${pathname}`
}
