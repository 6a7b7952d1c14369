// Tables for people: columns as wide as their widest cell, the last one as long as it is.
import { printableLine } from './printable.ts'

export interface Column<Row> {
  readonly title: string
  readonly align?: 'left' | 'right'
  cell(row: Row): string
}

export function formatColumns<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map(column => column.title),
    ...rows.map(row => columns.map(column => printableLine(column.cell(row)))),
  ]
  const widths = columns.map((_, index) =>
    lines.reduce((width, line) => Math.max(width, widthOf(line[index] ?? '')), 0),
  )
  return lines
    .map(line => {
      const cells = line.map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.align ?? 'left'))
      return `${cells.join('  ').trimEnd()}\n`
    })
    .join('')
}

// In characters, not in UTF-16 units; combining marks take no room, wide characters (CJK) are not accounted for.
function widthOf(text: string): number {
  let width = 0
  for (const character of text) if (!/\p{M}/u.test(character)) width++
  return width
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const spaces = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'left' ? text + spaces : spaces + text
}
