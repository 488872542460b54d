/** What the analyst and its workers say to each other. */
import type { Catalogue } from '../../protocol/pg/catalogue.ts'
import type { Analysis } from '../../protocol/pg/statement.ts'

export type ToWorker =
  | { readonly type: 'catalogue'; readonly catalogue: Catalogue }
  | {
      readonly type: 'analyse'
      readonly id: number
      readonly text: Uint8Array
      readonly path: readonly string[]
    }

export type FromWorker =
  | { readonly type: 'ready' }
  | {
      readonly type: 'analysed'
      readonly id: number
      readonly analysis: Analysis
      /** True: this worker must not be asked again. */
      readonly spent: boolean
    }
