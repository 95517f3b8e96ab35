/** The `server:` part of `keyhall.yaml`: settings of the server that can stand in the file. */
import { Type as t } from 'typebox'

const as = (env: string, more = '') => ({ description: `As \`${env}\`, which wins.${more}` })

export const FileServer = t.Object(
  {
    public_url: t.Optional(t.String({ minLength: 1, ...as('KEYHALL_PUBLIC_URL') })),
    host: t.Optional(t.String({ minLength: 1, ...as('KEYHALL_HOST') })),
    port: t.Optional(t.Integer({ minimum: 0, maximum: 65_535, ...as('KEYHALL_PORT') })),
    trusted_proxies: t.Optional(t.Integer({ minimum: 0, maximum: 99, ...as('KEYHALL_TRUSTED_PROXIES') })),
    database: t.Optional(
      t.String({
        minLength: 1,
        ...as('KEYHALL_DATABASE', ' Write `${NAME}` to take the password from the environment.'),
      }),
    ),
    database_file: t.Optional(t.String({ minLength: 1, ...as('KEYHALL_DATABASE_FILE') })),
    pepper_file: t.Optional(t.String({ minLength: 1, ...as('KEYHALL_PEPPER_FILE') })),
  },
  { additionalProperties: false },
)
