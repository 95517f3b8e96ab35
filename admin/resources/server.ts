import { server } from '../../contract/server.ts'
import { version } from '../../world/version.ts'
import { handlers } from '../call.ts'

export default handlers(server, {
  async retrieve({ engine, describeServer }) {
    return { object: 'organization.server', version, storage: { engine }, ...(await describeServer()) }
  },
})
