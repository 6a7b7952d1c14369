// What `postrider init` has to know: from flags, from questions, or from this machine.
import { resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { Address } from '../address/address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { formatDomainForPeople } from '../address/parse-domain.ts'
import { canonicalHostname, problemOfAddress, problemOfHostname } from '../config/setting-text.ts'
import type { Language } from '../queue/records.ts'
import { WrongUsage } from '../runtime/fault.ts'
import { problemOfDataFolder } from './problem-of-folder.ts'
import { publicAddressesOf } from './public-addresses.ts'
import { openQuestions, type Questions } from './questions.ts'

/** What was given by flags; what is missing is asked for, or is a fault where nobody can be asked. */
export interface InitFlags {
  readonly hostname?: string | undefined
  readonly domains?: readonly string[] | undefined
  /** The address of the first account. */
  readonly account?: string | undefined
  /** Addresses to listen on; default every address. */
  readonly listen?: readonly string[] | undefined
  /** The addresses under which others reach this machine; default: the public ones that it has. */
  readonly publicAddresses?: readonly string[] | undefined
  readonly dataFolder?: string | undefined
  /** 'en' or 'ru'. */
  readonly language?: string | undefined
}

/** Where the person is who can be asked. */
export interface Terminal {
  readonly input: Readable & { readonly isTTY?: boolean }
  readonly output: Writable
}

export interface InitAnswers {
  readonly hostname: string
  readonly domains: readonly string[]
  readonly account: Address
  readonly listen: readonly string[]
  readonly publicAddresses: readonly string[]
  readonly dataFolder: string
  readonly language: Language
}

/** `settingsFolder`: from where the folder counts that is answered, as it will in the file. */
export async function collectAnswers(
  options: InitFlags,
  settingsFolder: string,
  { input, output }: Terminal,
): Promise<InitAnswers> {
  const missing = [
    ...(options.domains?.length ? [] : ['--domain example.com']),
    ...(options.hostname === undefined ? ['--hostname mail.example.com'] : []),
    ...(options.account === undefined ? ['--account anna@example.com'] : []),
  ]
  const complete = missing.length === 0
  const mayAsk = input.isTTY === true
  const problems = problemsOfFlags(options)
  // Where nothing is asked, the default has to do.
  if (complete && options.dataFolder === undefined)
    problems.push(...listOf(problemOfDataFolder(resolve(settingsFolder, defaultDataFolder()))))
  if (!complete && !mayAsk)
    problems.push(`Here is no terminal to ask on, so this is needed too: ${missing.join(' ')}`)
  if (problems.length > 0)
    throw new WrongUsage(problems.join('\n'), {
      code: complete || mayAsk ? 'INIT_BAD_ANSWER' : 'INIT_INCOMPLETE',
    })
  // Whoever gave all that is needed wants no questions.
  if (complete) return await fillIn(options, settingsFolder, undefined)
  const questions = openQuestions(input, output)
  try {
    output.write('A few questions; Enter takes what stands in brackets.\n\n')
    return await fillIn(options, settingsFolder, questions)
  } finally {
    questions.close()
  }
}

/** Mistakes in flags are faults, all at once; a person who is asked gets the same texts and another try. */
function problemsOfFlags(options: InitFlags): string[] {
  const problemsOfDomains = (options.domains ?? []).map(domain =>
    domain.includes(',') ? `"${domain}" is a list. Repeat --domain for each.` : problemOfDomain(domain),
  )
  const domainsWillDo = problemsOfDomains.every(problem => problem === undefined)
  return [
    options.hostname === undefined ? undefined : problemOfHostname(options.hostname),
    ...problemsOfDomains,
    options.account === undefined
      ? undefined
      : problemOfAccount(options.account, domainsWillDo ? options.domains : undefined),
    ...[...(options.listen ?? []), ...(options.publicAddresses ?? [])].map(problemOfAddress),
    options.dataFolder === undefined
      ? undefined
      : options.dataFolder === ''
        ? 'The data folder has no name. Write one such as /var/lib/postrider.'
        : problemOfDataFolder(resolve(options.dataFolder)),
    options.language === undefined || isLanguage(options.language)
      ? undefined
      : `"${options.language}" is not a language of the reports. Write en or ru.`,
  ].filter(problem => problem !== undefined)
}

function listOf(problem: string | undefined): string[] {
  return problem === undefined ? [] : [problem]
}

function isLanguage(text: string): text is Language {
  return text === 'en' || text === 'ru'
}

async function fillIn(
  options: InitFlags,
  settingsFolder: string,
  questions: Questions | undefined,
): Promise<InitAnswers> {
  const domains =
    options.domains?.length || !questions
      ? (options.domains ?? [])
      : splitList(
          await questions.ask({
            text: 'Your domain: what stands after the @ (several: with commas)',
            problemOf: problemOfDomains,
          }),
        )
  const canonicalDomains = [...new Set(domains.map(domain => canonicalHostname(domain) ?? domain))]
  const [domain = ''] = canonicalDomains
  const shownDomain = formatDomainForPeople(domain)
  const hostname =
    options.hostname ??
    (await questions?.ask({
      text: 'The name of this server',
      suggestion: `mail.${shownDomain}`,
      problemOf: problemOfHostname,
    })) ??
    ''
  const account =
    options.account ??
    (await questions?.ask({
      text: `Your own address`,
      suggestion: `postmaster@${shownDomain}`,
      problemOf: answer => problemOfAccount(answer, canonicalDomains),
    })) ??
    ''
  const listen =
    options.listen ??
    splitList(
      (await questions?.ask({
        text: 'Address to listen on (:: is every address)',
        suggestion: '::',
        problemOf: problemOfAddresses,
      })) ?? '::',
    )
  const publicAddresses = options.publicAddresses ?? (await askPublicAddresses(listen, questions))
  // A flag counts from where it was typed, what stands in the file from the file.
  const dataFolder =
    (options.dataFolder === undefined ? undefined : resolve(options.dataFolder)) ??
    (await questions?.ask({
      text: 'Folder for mail, queue and accounts',
      suggestion: defaultDataFolder(),
      problemOf: answer => problemOfDataFolder(resolve(settingsFolder, answer)),
    })) ??
    defaultDataFolder()
  const address = parseAddress(account)
  if (!address)
    throw new WrongUsage(problemOfAccount(account, canonicalDomains) ?? `${account} is no address.`, {
      code: 'INIT_BAD_ANSWER',
    })
  return {
    hostname: canonicalHostname(hostname) ?? hostname,
    domains: canonicalDomains,
    account: address,
    listen,
    publicAddresses,
    dataFolder,
    language: options.language !== undefined && isLanguage(options.language) ? options.language : 'en',
  }
}

async function askPublicAddresses(
  listen: readonly string[],
  questions: Questions | undefined,
): Promise<string[]> {
  const known = publicAddressesOf(listen)
  if (!questions) return known
  const answer = await questions.ask({
    text: 'Public addresses of this machine, for its DNS records (several: with commas)',
    suggestion: known.length > 0 ? known.join(', ') : 'unknown',
    problemOf: text => (text === 'unknown' ? undefined : problemOfAddresses(text)),
  })
  return answer === 'unknown' ? [] : splitList(answer)
}

// A system's own service keeps its data where systems keep such; anyone else beside the settings file.
function defaultDataFolder(): string {
  return process.getuid?.() === 0 ? '/var/lib/postrider' : 'postrider-data'
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

function problemOfDomain(domain: string): string | undefined {
  if (canonicalHostname(domain) !== undefined) return undefined
  return `"${domain}" is not a domain. Write one such as "example.com".`
}

function problemOfDomains(text: string): string | undefined {
  const domains = splitList(text)
  if (domains.length === 0) return 'At least one domain is needed, such as example.com.'
  return domains.map(problemOfDomain).find(problem => problem !== undefined)
}

function problemOfAddresses(text: string): string | undefined {
  const addresses = splitList(text)
  if (addresses.length === 0) return 'At least one address is needed.'
  return addresses.map(problemOfAddress).find(problem => problem !== undefined)
}

function problemOfAccount(text: string, domains: readonly string[] | undefined): string | undefined {
  const address = parseAddress(text)
  if (!address || address.domain.startsWith('['))
    return `"${text}" is not an address. Write one such as anna@example.com.`
  const own = (domains ?? []).map(domain => canonicalHostname(domain) ?? domain)
  if (domains && !own.includes(address.domain)) {
    return `${text} is not in your domain. Write an address that ends with @${own.map(domain => formatDomainForPeople(domain)).join(' or @')}.`
  }
  return undefined
}
