// A TOML text as the parser reads it, or every mistake of its syntax in plain words.
import { type AST, ParseError, parseTOML } from 'toml-eslint-parser'

export interface TextPosition {
  /** From 1. */
  readonly line: number
  readonly column: number
}

export interface SyntaxMistake extends TextPosition {
  /** What is wrong and what to write instead. */
  readonly message: string
}

export interface TomlText {
  /** Of the lines that could be read; undefined when even that made no sense. */
  readonly program: AST.TOMLProgram | undefined
  /** Lines that could not be read. */
  readonly mistakes: readonly SyntaxMistake[]
  readonly lines: readonly string[]
}

const maxMistakes = 20

export function parseTomlText(text: string): TomlText {
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text
  const lines = source.split(/\r\n|\n/)
  const readable = [...lines]
  const mistakes: SyntaxMistake[] = []
  for (;;) {
    try {
      return { program: parseTOML(readable.join('\n'), { tomlVersion: '1.0' }), mistakes, lines }
    } catch (error) {
      if (!(error instanceof ParseError)) throw error
      const line = lineOfMistake(error, readable)
      // A list or string left open makes each line after it wrong too; the first of these mistakes says enough.
      const consequence = mistakes.some(
        other => line > other.line && lines.slice(other.line, line - 1).every(isBlank),
      )
      if (!consequence)
        mistakes.push({
          line,
          column: line === error.lineNumber ? error.column + 1 : 1,
          message: describeSyntaxMistake(error.message),
        })
      if (consequence || mistakes.length >= maxMistakes || readable[line - 1] === '') {
        return { program: undefined, mistakes, lines }
      }
      readable[line - 1] = ''
    }
  }
}

// A name without "=" is noticed in the line after it.
function lineOfMistake(error: ParseError, lines: readonly string[]): number {
  let line = Math.min(error.lineNumber, lines.length)
  if (error.message === newlineBeforeValue && error.lineNumber > 1) {
    do line--
    while (line > 1 && isBlank(lines[line - 1] ?? ''))
  }
  return line
}

const newlineBeforeValue = 'The key, equals sign, and value must be on the same line'

function isBlank(line: string): boolean {
  const trimmed = line.trim()
  return trimmed === '' || trimmed.startsWith('#')
}

const dots = 'this name has a dot too many. Write name = value.'

const advice: Readonly<Record<string, string>> = {
  'Unterminated string constant':
    'the closing quotation mark is missing. Write the text as "…", on one line.',
  'Unterminated array': 'the list has no end. Close it with "]".',
  'Unterminated inline table': 'the table has no end. Close it with "}".',
  'Unterminated table-key': 'the heading has no end. Close it with "]".',
  'Empty bare keys are not allowed': 'the name is missing. Write name = value.',
  'Must be a newline': 'something follows the value. Write one setting in a line.',
  'Expected equal (=) token': 'the "=" is missing. Write name = value.',
  'Unspecified values are invalid': 'the value is missing. Write name = value.',
  [newlineBeforeValue]:
    'name, "=" and value do not stand in one line (or a heading has no closing "]"). Write name = value.',
  'Expected comma (,) token': 'a comma is missing between two elements. Write ["one", "two"].',
  'Defining a key multiple times is invalid': 'this name is there already. Remove one of the two.',
  'Unexpected character':
    'this is not a value. Text needs quotation marks: "…"; others are numbers, true, false and lists: [1, 2].',
  'Unexpected token': 'this does not belong here. Write name = value, and text in quotation marks.',
  'Invalid character in escape sequence':
    'a backslash begins an escape here. Write \\\\ for a backslash, or the text in single quotation marks.',
  'Leading zeros are not allowed': 'a number does not start with 0. Write it without.',
  'Control characters (codes < 0x1f and 0x7f) are not allowed':
    'there is a control character here, which an editor may not show. Remove it.',
  'No newlines are allowed between the curly braces unless they are valid within a value':
    'the table in braces goes over several lines. Write { name = value, name = value } on one line.',
  'Underscores are allowed between digits': 'this number has an underscore too many. Write it without.',
  'Unexpected spaces': 'there is a space that does not belong here. Remove it.',
  'Three or more quotes are not permitted':
    'there are three quotation marks together in this text. Write \\" for each.',
  'Unexpected invalid date': 'there is no such date. If it is text, put it in quotation marks.',
  'Unexpected invalid time': 'there is no such time. If it is text, put it in quotation marks.',
  'Trailing comma is not permitted in an inline table': 'there is a comma before "}". Remove it.',
  'Consecutive dots are not permitted in keys': dots,
  'Keys cannot end with a dot': dots,
  'Keys cannot start with a dot': dots,
}

function describeSyntaxMistake(message: string): string {
  const text =
    advice[message] ??
    (message.startsWith('Invalid code point')
      ? 'this stands for a character that there is not. Remove it.'
      : `${message}.`)
  return text.charAt(0).toUpperCase() + text.slice(1)
}
