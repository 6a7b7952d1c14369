// What characters a text has.

const nonAscii = /[^\0-\x7f]/
const control = /[\0-\x1f\x7f-\x9f]/
const controls = /[\0-\x1f\x7f-\x9f]/g

export function isAscii(text: string): boolean {
  return !nonAscii.test(text)
}

/** C0, DEL or C1: commands to a terminal, ends of lines. */
export function hasControls(text: string): boolean {
  return control.test(text)
}

export function replaceControls(text: string, by: string): string {
  return control.test(text) ? text.replaceAll(controls, by) : text
}

/** Without the full stop of a sentence, so that another can go on with it. */
export function withoutEnd(text: string): string {
  return text.replace(/[.\s]+$/, '')
}
