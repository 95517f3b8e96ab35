/** The checks of `keyhall doctor`, in the order in which they are printed. */
import { clock } from './clock-agreement.ts'
import { databaseState } from './database-state.ts'
import { diskSpace } from './disk-space.ts'
import type { Check } from './finding.ts'
import { identityProvider } from './identity-provider.ts'
import { mailServer } from './mail-server.ts'
import { pepperOfDatabase } from './pepper-of-database.ts'
import { pooler } from './pooler.ts'
import { privateFiles } from './private-files.ts'
import { schema } from './schema.ts'
import { servedTls } from './served-tls.ts'
import { upstreamAnswers } from './upstream-answers.ts'

export const checks: readonly Check[] = [
  privateFiles,
  databaseState,
  schema,
  pepperOfDatabase,
  pooler,
  clock,
  upstreamAnswers,
  servedTls,
  identityProvider,
  mailServer,
  diskSpace,
]
