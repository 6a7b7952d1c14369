// The number that a reply gives its refusal, on a line of its own.
const numberLine = /\s*(?:[45]\.\d{1,3}\.\d{1,3} )?To ask about this, name the number (?<id>[0-9A-Z]{11})/g

export function numberIn(text: string): string | undefined {
  return [...text.matchAll(numberLine)].at(-1)?.groups?.id
}

export function withoutNumber(text: string): string {
  return text.replaceAll(numberLine, '')
}
