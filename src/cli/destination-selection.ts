// What an administrator means by the name of a destination, as a summary of the queue or an alert has it: who stands in line for it,
// and who was there last and waits for a time of his own.
import { parseDomain } from '../address/parse-domain.ts'
import { providers } from '../delivery/replies/providers.ts'
import { destinationGate } from '../queue/gates.ts'
import type { DestinationSelection, HostSelection } from '../queue/select-recipients.ts'

/** 'gmail', 'mx1.example.org mx2.example.org', 'mx.пример.рф' */
export function selectDestination(text: string): DestinationSelection {
  const words = text.trim().split(/\s+/)
  const names = words.map(word => (word.includes('.') ? (parseDomain(word) ?? word) : word))
  return { gate: destinationGate(names.join(' ')), hosts: hostsOf(names) }
}

function hostsOf(names: readonly string[]): readonly HostSelection[] {
  // Others have a name that begins with a word of ours.
  if (names.every(name => name.includes('.'))) return names.map(host => ({ host }))
  const [key, ...more] = names
  const provider = more.length === 0 ? providers.find(one => one.key === key) : undefined
  return (provider?.hostSuffixes ?? []).map(suffix => ({
    host: `.${suffix}`,
    // The longest that fits says whose it is: olc.protection.outlook.com is not of protection.outlook.com.
    except: providers
      .filter(other => other !== provider)
      .flatMap(other => other.hostSuffixes)
      .filter(longer => longer.endsWith(`.${suffix}`))
      .map(longer => `.${longer}`),
  }))
}
