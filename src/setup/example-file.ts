// A settings file with every setting explained in comments: what was chosen stands as it is, the rest commented out.
import { describeSettings, formatToml, type SettingDescription } from '../config/describe-settings.ts'

export interface ChosenListener {
  readonly role: string
  readonly address: string
  readonly port: number
}

export interface ChosenSettings {
  readonly hostname: string
  readonly dataFolder: string
  readonly language?: string | undefined
  readonly listeners?: readonly ChosenListener[] | undefined
}

const lineWidth = 100

export function composeSettingsFile(chosen: ChosenSettings): string {
  const descriptions = describeSettings()
  const lines = [
    '# Postrider: the settings of this server. "postrider check" says what is wrong with them.',
    '# A line that starts with # is a comment; the settings in comments show their defaults.',
  ]
  const values = new Map<string, unknown>(
    Object.entries(chosen).filter(([name, value]) => name !== 'listeners' && value !== undefined),
  )
  for (const description of descriptions) {
    const { name, kind } = description
    if (kind === 'item' || isUnder(descriptions, 'tables', name)) continue
    if (kind === 'tables')
      lines.push('', ...tablesBlock(description, descriptions, name === 'listeners' ? chosen.listeners : []))
    else if (kind === 'table') lines.push('', ...tableHeading(description, values))
    else
      lines.push(
        '',
        ...explain(description),
        assignment(description, values.get(name), isUnder(descriptions, 'optional', name)),
      )
  }
  return `${lines.join('\n')}\n`
}

/** Inside a list of tables, or inside a table that is not there by default. */
function isUnder(
  descriptions: readonly SettingDescription[],
  what: 'tables' | 'optional',
  name: string,
): boolean {
  return descriptions.some(table => {
    if (what === 'tables') return table.kind === 'tables' && name.startsWith(`${table.name}[].`)
    return table.kind === 'table' && table.defaultIsWords && name.startsWith(`${table.name}.`)
  })
}

function explain({ text, expected, defaultText, defaultIsWords }: SettingDescription): string[] {
  const sentences = [text]
  // The form of a text or a list shows in its example.
  if (expected.includes('from ') || expected.startsWith('"'))
    sentences.push(`${expected.charAt(0).toUpperCase()}${expected.slice(1)}.`)
  if (defaultIsWords) sentences.push(`Default: ${defaultText}.`)
  return comment(sentences.join(' '))
}

function comment(text: string): string[] {
  const lines: string[] = []
  let line = '#'
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > lineWidth && line !== '#') {
      lines.push(line)
      line = '#'
    }
    line += ` ${word}`
  }
  return [...lines, line]
}

function assignment(description: SettingDescription, value: unknown, optional: boolean): string {
  const leaf = description.name.slice(description.name.lastIndexOf('.') + 1)
  if (value !== undefined) return `${leaf} = ${formatToml(value)}`
  const shown =
    description.defaultIsWords || optional
      ? description.example
      : (description.defaultText ?? description.example)
  return `# ${leaf} = ${shown ?? ''}`
}

function tableHeading(description: SettingDescription, values: ReadonlyMap<string, unknown>): string[] {
  const chosen = [...values.keys()].some(name => name.startsWith(`${description.name}.`))
  // Every table but an optional one may stand there empty.
  const heading = chosen || !description.defaultIsWords ? `[${description.name}]` : `# [${description.name}]`
  return [...comment(description.text), heading]
}

function tablesBlock(
  table: SettingDescription,
  descriptions: readonly SettingDescription[],
  chosen: readonly ChosenListener[] = [],
): string[] {
  const settings = descriptions.filter(
    ({ name, kind }) => kind !== 'item' && name.startsWith(`${table.name}[].`),
  )
  const lines = comment(table.text)
  for (const description of settings) {
    const leaf = description.name.slice(description.name.lastIndexOf('.') + 1)
    lines.push(...comment(`${leaf}: ${description.text}`))
  }
  if (chosen.length === 0) lines.push(`# [[${table.name}]]`)
  for (const one of chosen) {
    lines.push(
      '',
      `[[${table.name}]]`,
      ...Object.entries(one).map(([name, value]) => `${name} = ${formatToml(value)}`),
    )
  }
  return lines
}
