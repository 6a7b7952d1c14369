// Text of the code as text in a Markdown table.

/** In code: only what would end the cell. */
export function escapeCode(text: string): string {
  return text.replaceAll('|', '\\|')
}

/** In running text: also what would be taken for an HTML element, such as <id>. */
export function escapeText(text: string): string {
  return escapeCode(text).replaceAll('<', '&lt;')
}
