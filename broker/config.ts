/** The broker's configuration: what it is, and the one way to get it. */
export type {
  ApprovalConfig,
  Config,
  ConnectionConfig,
  IdentityConfig,
  LimitsConfig,
  NotifyConfig,
  TargetConfig,
} from './config/config.ts'
export { connectionOf, readConnection } from './config/connection.ts'
export { checkConfig, loadConfig } from './config/load.ts'
export { configJsonSchema } from './config/schema.ts'
export { configTemplate } from './config/template.ts'
