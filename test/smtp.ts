/** A real SMTP server in the test's own process, that keeps what it is sent. */
import { SMTPServer } from 'smtp-server'

export interface Received {
  from: string
  to: string[]
  /** Header lines, unfolded, and the parts of the body, decoded. */
  headers: string[]
  text: string
  html: string
}

export interface TestSmtp {
  url: string
  received: Received[]
  /** The next message, also one that has arrived already; each is given once. */
  next: () => Promise<Received>
  stop: () => Promise<void>
}

interface SmtpOptions {
  /** Refuses every message. */
  refuses?: boolean
  /** Answers to a message only when this is done. */
  until?: Promise<unknown>
  /** A user and the password that it must give. */
  auth?: { user: string; password: string }
  /** Offers STARTTLS. */
  tls?: boolean
}

export async function startSmtp({ refuses, until, auth, tls = false }: SmtpOptions = {}): Promise<TestSmtp> {
  const received: Received[] = []
  const waiting: ((message: Received) => void)[] = []
  let given = 0
  const server = new SMTPServer({
    disabledCommands: [...(tls ? [] : ['STARTTLS']), ...(auth ? [] : ['AUTH'])],
    logger: false,
    allowInsecureAuth: true,
    authOptional: !auth,
    onAuth: ({ username, password }, _, answer) =>
      username === auth?.user && password === auth?.password
        ? answer(null, { user: username })
        : answer(new Error('Wrong user or password')),
    onData(stream, { envelope }, answer) {
      void (async () => {
        const raw = await new Response(stream as unknown as ReadableStream).text()
        await until
        if (refuses) return answer(new Error('No room'))
        const from = envelope.mailFrom ? envelope.mailFrom.address : ''
        const message = { from, to: envelope.rcptTo.map(({ address }) => address), ...parse(raw) }
        received.push(message)
        answer()
        waiting.shift()?.(message)
      })()
    },
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    const listening = server.listen(0, '127.0.0.1', () => resolve((listening.address() as { port: number }).port))
  })
  return {
    url: `smtp://${auth ? `${auth.user}:${encodeURIComponent(auth.password)}@` : ''}127.0.0.1:${port}`,
    received,
    next: () => {
      const at = given++
      return at < received.length ? Promise.resolve(received[at]!) : new Promise((resolve) => waiting.push(resolve))
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** The two parts of a message, decoded from quoted-printable or base64. */
function parse(raw: string): Pick<Received, 'headers' | 'text' | 'html'> {
  const [head, body] = split(raw)
  const boundary = /boundary="?([^";\r\n]+)/.exec(head)![1]!
  const parts = body.split(`--${boundary}`).map((part) => split(part.replace(/^\r\n/, '')))
  const part = (type: string) => {
    const [head, body] = parts.find(([head]) => head.toLowerCase().includes(`content-type: ${type}`))!
    return decode(body, /content-transfer-encoding: (\S+)/i.exec(head)?.[1])
  }
  return { headers: unfold(head).split('\r\n'), text: part('text/plain'), html: part('text/html') }
}

const unfold = (head: string) => head.replace(/\r\n[ \t]+/g, ' ')

function split(part: string): [head: string, body: string] {
  const at = part.indexOf('\r\n\r\n')
  return [part.slice(0, at), part.slice(at + 4)]
}

function decode(body: string, encoding = '7bit') {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString()
  if (encoding !== 'quoted-printable') return body.replaceAll('\r\n', '\n')
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString().replaceAll('\r\n', '\n')
}
