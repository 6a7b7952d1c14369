// The schema as a list of settings, in the order of the schema: for the documentation, the example file, the advice
// that goes with a mistake, and a form.
import { z } from 'zod'
import { settingDocumentation, settingsSchema } from './schema.ts'

export interface SettingDescription {
  /** 'hostname', 'limits.maxMessageBytes', 'listeners[].port', 'listeners[].proxyFrom[]' */
  readonly name: string
  /** table: [limits]. tables: [[listeners]]. item: an element of a list. */
  readonly kind: 'value' | 'table' | 'tables' | 'item'
  /** 'a whole number from 1 to 10000', after "has to be". */
  readonly expected: string
  /** What an enumeration allows, as TOML. */
  readonly options: readonly string[]
  readonly text: string
  /** TOML, after the `=`. */
  readonly example: string | undefined
  /** TOML, or words where it depends on something; undefined: none. */
  readonly defaultText: string | undefined
  readonly defaultIsWords: boolean
  readonly required: boolean
}

/** '[limits]', '[[listeners]]', '[[delivery.sourcePools.sources]]' */
export function headingOf({ kind, name }: Pick<SettingDescription, 'kind' | 'name'>): string {
  const path = name.replaceAll('[]', '')
  return kind === 'tables' ? `[[${path}]]` : `[${path}]`
}

export function describeSettings(): readonly SettingDescription[] {
  return describeTable(settingsSchema, '')
}

function describeTable(table: z.ZodObject, prefix: string): SettingDescription[] {
  return Object.entries(table.shape).flatMap(([key, schema]) =>
    describeSetting(asSchema(schema), prefix + key),
  )
}

function describeSetting(schema: z.ZodType, name: string): SettingDescription[] {
  const { inner, required, defaultValue } = unwrap(schema)
  const documentation = settingDocumentation.get(schema)
  const element = elementOf(inner)
  const kind = inner instanceof z.ZodObject ? 'table' : element instanceof z.ZodObject ? 'tables' : 'value'
  const ownDefault = kind === 'value' && defaultValue !== undefined ? formatToml(defaultValue) : undefined
  const own: SettingDescription = {
    name,
    kind,
    expected: expectedOf(inner),
    options: optionsOf(inner),
    text: documentation?.text ?? '',
    example: documentation?.example ?? ownDefault,
    defaultText: documentation?.defaultText ?? ownDefault,
    defaultIsWords: documentation?.defaultText !== undefined,
    required,
  }
  if (inner instanceof z.ZodObject) return [own, ...describeTable(inner, `${name}.`)]
  if (element instanceof z.ZodObject) return [own, ...describeTable(element, `${name}[].`)]
  if (element)
    return [
      own,
      {
        ...own,
        name: `${name}[]`,
        kind: 'item',
        expected: expectedOf(element),
        options: optionsOf(element),
        example: itemExample(own.example),
      },
    ]
  return [own]
}

/** Of a list, or of one that holds at least one. */
function elementOf(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodArray) return asSchema(schema.element)
  return schema instanceof z.ZodTuple ? asSchema(schema.def.rest) : undefined
}

function unwrap(schema: z.ZodType): { inner: z.ZodType; required: boolean; defaultValue: unknown } {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return { inner: asSchema(schema.unwrap()), required: false, defaultValue: schema.def.defaultValue }
  }
  if (schema instanceof z.ZodOptional)
    return { inner: asSchema(schema.unwrap()), required: false, defaultValue: undefined }
  return { inner: schema, required: true, defaultValue: undefined }
}

/** The declared types of inner schemas are wider than what a schema of ours holds. */
function asSchema(inner: unknown): z.ZodType {
  if (inner instanceof z.ZodType) return inner
  throw new TypeError('settingsSchema holds something that is no zod schema')
}

function optionsOf(schema: z.ZodType): readonly string[] {
  return schema instanceof z.ZodEnum ? schema.options.map(formatToml) : []
}

function expectedOf(schema: z.ZodType): string {
  if (schema instanceof z.ZodNumber)
    return `a ${schema.isInt ? 'whole ' : ''}number from ${schema.minValue} to ${schema.maxValue}`
  if (schema instanceof z.ZodBoolean) return 'true or false'
  if (schema instanceof z.ZodEnum) return alternatives(optionsOf(schema))
  const element = elementOf(schema)
  if (element) {
    if (element instanceof z.ZodObject) return 'a list of tables'
    return element instanceof z.ZodNumber
      ? `a list of ${element.isInt ? 'whole ' : ''}numbers from ${element.minValue} to ${element.maxValue}`
      : 'a list of texts in quotation marks'
  }
  if (schema instanceof z.ZodObject) return 'a table'
  if (schema instanceof z.ZodUnion)
    return schema.options.map(option => expectedOf(asSchema(option))).join(', or ')
  return 'text in quotation marks'
}

function alternatives(options: readonly string[]): string {
  return options.length < 2 ? options.join('') : `${options.slice(0, -1).join(', ')} or ${options.at(-1)}`
}

/** '["192.0.2.10"]' → '"192.0.2.10"': the first element of a list written in TOML. */
function itemExample(list: string | undefined): string | undefined {
  const inside = list?.slice(1, -1).split(', ')[0]
  return inside === '' ? undefined : inside
}

/** Numbers, booleans, texts and lists of them, as TOML (whose basic strings escape as JSON does). */
export function formatToml(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(formatToml).join(', ')}]` : JSON.stringify(value)
}
