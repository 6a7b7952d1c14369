// A real LDAP server (OpenLDAP's slapd), with people of the tests, on ports of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueCertificate, makeAuthority } from './certificates.ts'
import { endTree } from './end-tree.ts'
import { findFreePort } from './free-port.ts'
import { untilListening } from './is-listening.ts'
import { findProgram, runProgram } from './programs.ts'

export const suffix = 'dc=here,dc=test'
export const people = `ou=people,${suffix}`
export const searcher = { dn: `cn=postrider,${suffix}`, password: 'may-search' }
export const mailGroup = `cn=mail,ou=groups,${suffix}`

export interface Slapd {
  /** 'ldap://localhost:12345': with StartTLS, or in the clear. */
  readonly url: string
  readonly secureUrl: string
  /** PEM, of who vouches for it. */
  readonly ca: string
  /** The same in a file. */
  readonly caFile: string
  /** As its administrator: LDIF with changetype. */
  modify(ldif: string): Promise<void>
  stop(): Promise<void>
  startAgain(): Promise<void>
  remove(): Promise<void>
}

const patienceMs = 30_000
const rootPassword = 'may-everything'

/** Passwords are 'secret of <uid>'. */
export async function startSlapd(): Promise<Slapd> {
  const folder = await mkdtemp(join(tmpdir(), 'slapd-'))
  const port = await findFreePort()
  const securePort = await findFreePort()
  const authority = await makeAuthority('authority of the LDAP server')
  const certificate = await issueCertificate(authority, ['localhost'])
  const files = {
    ca: join(folder, 'ca.pem'),
    certificate: join(folder, 'certificate.pem'),
    key: join(folder, 'key.pem'),
    config: join(folder, 'slapd.conf'),
    ldif: join(folder, 'people.ldif'),
  }
  await mkdir(join(folder, 'data'))
  await writeFile(files.ca, authority.certificate)
  await writeFile(files.certificate, certificate.certificate)
  await writeFile(files.key, certificate.key)
  await writeFile(files.ldif, ldif)
  await writeFile(
    files.config,
    [
      'include /etc/ldap/schema/core.schema',
      'include /etc/ldap/schema/cosine.schema',
      'include /etc/ldap/schema/inetorgperson.schema',
      'include /etc/ldap/schema/nis.schema',
      'modulepath /usr/lib/ldap',
      'moduleload back_mdb',
      `pidfile ${join(folder, 'slapd.pid')}`,
      `TLSCACertificateFile ${files.ca}`,
      `TLSCertificateFile ${files.certificate}`,
      `TLSCertificateKeyFile ${files.key}`,
      'database mdb',
      `suffix "${suffix}"`,
      `rootdn "cn=admin,${suffix}"`,
      `rootpw ${rootPassword}`,
      `directory ${join(folder, 'data')}`,
      'access to attrs=userPassword by anonymous auth by * none',
      `access to * by dn.exact="${searcher.dn}" read by anonymous auth by self read by * none`,
      '',
    ].join('\n'),
  )
  const loaded = await runProgram(['slapadd', '-f', files.config, '-l', files.ldif])
  if (loaded.exitCode !== 0) throw new Error(loaded.stdout + loaded.stderr)
  const url = `ldap://localhost:${port}`
  const secureUrl = `ldaps://localhost:${securePort}`
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const listeners = `ldap://127.0.0.1:${port}/ ldaps://127.0.0.1:${securePort}/`
    child = spawn(findProgram('slapd') ?? 'slapd', ['-h', listeners, '-f', files.config, '-d', '0'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await untilListening({ name: 'slapd', child, ports: [port, securePort], patienceMs })
  }
  const stop = async (): Promise<void> => {
    const running = child
    child = undefined
    if (running?.pid !== undefined) await endTree(running.pid, 5000)
  }
  await start()
  return {
    url,
    secureUrl,
    ca: authority.certificate,
    caFile: files.ca,
    async modify(changes) {
      const result = await runProgram(
        [
          'ldapmodify',
          '-x',
          '-H',
          `ldap://127.0.0.1:${port}`,
          '-D',
          `cn=admin,${suffix}`,
          '-w',
          rootPassword,
        ],
        { input: changes },
      )
      if (result.exitCode !== 0) throw new Error(result.stdout + result.stderr)
    },
    stop,
    startAgain: start,
    async remove() {
      await stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function person(uid: string, name: string, mails: readonly string[]): string {
  return [
    `dn: uid=${uid},${people}`,
    'objectClass: inetOrgPerson',
    `uid: ${uid}`,
    `cn: ${name}`,
    `sn: ${name}`,
    ...mails.map(mail => `mail: ${mail}`),
    `userPassword: secret of ${uid}`,
    '',
  ].join('\n')
}

const ldif = [
  `dn: ${suffix}\nobjectClass: dcObject\nobjectClass: organization\no: here\ndc: here\n`,
  `dn: ou=people,${suffix}\nobjectClass: organizationalUnit\nou: people\n`,
  `dn: ou=groups,${suffix}\nobjectClass: organizationalUnit\nou: groups\n`,
  `dn: ${searcher.dn}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: postrider\nuserPassword: ${searcher.password}\n`,
  person('lena', 'Lena of LDAP', ['lena@here.test', 'lena.smith@here.test']),
  person('oleg', 'Oleg', ['oleg@here.test']),
  // Two entries with one address.
  person('twin1', 'Twin', ['twins@here.test']),
  person('twin2', 'Twin', ['twins@here.test']),
  // Whose name is syntax of a filter.
  person('star', 'Star', ['a*b@here.test']),
  `dn: ${mailGroup}\nobjectClass: groupOfNames\ncn: mail\nmember: uid=lena,${people}\n`,
].join('\n')
