// postrider check: what is wrong with the set-up, what it costs, and how to mend it.
import type { Command } from 'commander'
import { type DomainToCheck, runCheck } from '../../config/check.ts'
import type { Settings } from '../../config/settings.ts'
import { listAccounts } from '../../directory/accounts.ts'
import { type DomainSummary, listDomains } from '../../directory/domains.ts'
import { resolveRecipient } from '../../directory/resolve-recipient.ts'
import { connectControl } from '../../main/control-client.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import { findSettingsFile } from '../find-settings.ts'
import { type CommandStorage, openStorageForCommand } from '../open-storage.ts'

export function addCheckCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'check',
    summary: 'Say what is wrong with the set-up, what it costs and how to mend it',
    description:
      'Say what is wrong with the set-up, what it costs and how to mend it. With --json, "mistakes" has each mistake of the ' +
      'settings file with its file, line, column, path (listeners[0].port) and message.',
    examples: ['check', 'check --settings /etc/postrider/postrider.toml'],
  }).action(
    perform(run, async invocation => {
      const file = findSettingsFile(invocation.settingsFile, invocation.surroundings.workingFolder)
      const result = await runCheck({
        settings: file ?? (await invocation.settings()),
        clock: invocation.clock,
        isRunning,
        readDomains,
      })
      const { findings, mistakes } = result
      invocation.output.result({ findings, mistakes }, result.text)
      invocation.exitCode = result.exitCode
    }),
  )
}

async function isRunning(settings: Settings): Promise<boolean> {
  const control = await connectControl(settings.dataFolder)
  control?.close()
  return control !== undefined
}

async function readDomains(settings: Settings): Promise<readonly DomainToCheck[]> {
  const storage = await openStorageForCommand(settings)
  try {
    const domains: DomainToCheck[] = []
    for (const domain of await storage.run(listDomains, undefined))
      domains.push(await describeDomain(storage, settings, domain))
    return domains
  } finally {
    await storage.close()
  }
}

async function describeDomain(
  storage: CommandStorage,
  { hostname }: Settings,
  { name, aliases, groups }: DomainSummary,
): Promise<DomainToCheck> {
  const address = { localPart: 'postmaster', domain: name }
  const { kind } = await storage.run(resolveRecipient, { address, hostname })
  const hasEnabledAccount = async (): Promise<boolean> =>
    (await storage.run(listAccounts, { domain: name })).some(({ enabled }) => enabled)
  return {
    name,
    hasPostmaster: kind !== 'unknown-address',
    hasAddresses: aliases + groups > 0 || (await hasEnabledAccount()),
  }
}
