// docs/settings.md, from the schema of the settings file.
import { describeSettings, headingOf, type SettingDescription } from '../../src/config/describe-settings.ts'
import { escapeCode, escapeText } from './markdown.ts'

const introduction = `# Settings

Generated from \`src/config/schema.ts\` by \`npm run generate\`.

The settings are one TOML file, \`postrider.toml\`. \`postrider init\` writes one in which each setting is explained;
\`postrider check\` names what is wrong with it, with the line and the column. Only \`hostname\` has to be there. What changes
daily (domains, accounts, aliases, groups) is not here but in the data folder: see \`postrider help domain\`.

A dot in a name is a table of the file: \`limits.maxRecipients\` is \`maxRecipients\` below \`[limits]\`.`

export function composeSettingsPage(): string {
  const descriptions = describeSettings().filter(({ kind }) => kind !== 'item')
  const top = descriptions.filter(({ kind, name }) => kind === 'value' && !/[.[]/.test(name))
  const sections = [`## At the top of the file\n\n${settingsTable(top)}`]
  for (const table of descriptions.filter(({ kind }) => kind !== 'value')) {
    const prefix = table.kind === 'tables' ? `${table.name}[].` : `${table.name}.`
    const own = descriptions.filter(
      ({ kind, name }) =>
        kind === 'value' && name.startsWith(prefix) && !/[.[]/.test(name.slice(prefix.length)),
    )
    const otherwise = table.defaultIsWords ? `\n\nDefault: ${table.defaultText}.` : ''
    sections.push(`## \`${headingOf(table)}\`\n\n${table.text}${otherwise}\n\n${settingsTable(own)}`)
  }
  return `${[introduction, ...sections].join('\n\n')}\n`
}

function settingsTable(descriptions: readonly SettingDescription[]): string {
  const rows = descriptions.map(
    description =>
      `| \`${bracketless(description.name)}\` | ${escapeText(description.text)} | ${valueOf(description)} | ${defaultOf(description)} |`,
  )
  return ['| Setting | What it does | Value | Default |', '|---|---|---|---|', ...rows].join('\n')
}

const bracketless = (name: string): string => name.replaceAll('[]', '')

function valueOf({ expected, options, example, defaultText }: SettingDescription): string {
  if (options.length > 0) return options.map(option => `\`${option}\``).join(', ')
  return escapeCode(
    example === undefined || example === defaultText ? expected : `${expected}, such as \`${example}\``,
  )
}

function defaultOf({ required, defaultText, defaultIsWords }: SettingDescription): string {
  if (required) return '**has to be there**'
  if (defaultText === undefined) return 'none'
  return defaultIsWords ? defaultText : `\`${escapeCode(defaultText)}\``
}
