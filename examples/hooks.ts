// A hook file: what this server does with each session and message beyond what it does by itself. Copy it beside your settings, name
// it under [hooks] there, and keep of it what you need.
import {
  accept,
  type ConnectHook,
  type DataHook,
  defer,
  type HelloHook,
  type MailHook,
  type RcptHook,
  reject,
  score,
} from 'postrider/hooks'

/** Before the greeting: a network that has done nothing but harm. */
export const connect: ConnectHook = ({ address }) =>
  address.startsWith('203.0.113.') ? reject(554, 'This network is not welcome here') : undefined

/** Of our own monitoring every message is taken, whatever its points. */
export const hello: HelloHook = ({ address, heloName }) =>
  address === '192.0.2.5' && heloName === 'monitor.example.test' ? accept('our monitoring') : undefined

/** Points for senders whose domain looks made up. */
export const mail: MailHook = ({ reversePath }) =>
  /@[a-z0-9]{20,}\.[a-z]+$/.test(reversePath) ? score(2, 'the domain of the sender looks made up') : undefined

/** An address that is closed at night. */
export const rcpt: RcptHook = ({ recipient }) => {
  const hour = new Date().getUTCHours()
  return recipient.startsWith('fax@') && (hour < 6 || hour >= 20)
    ? defer('The fax takes mail from 06:00 to 20:00 UTC')
    : undefined
}

/** Invoices come as PDF, and never as a web page. */
export const data: DataHook = ({ message }) => {
  const subject = message.fields.find(({ name }) => name.toLowerCase() === 'subject')?.value ?? ''
  const isPage = message.body.includes('Content-Type: text/html; name=')
  return /invoice/i.test(subject) && isPage
    ? reject(550, 'An invoice that is a web page is not taken here; please send it as PDF')
    : undefined
}
