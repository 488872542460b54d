export { hasHidden, visible, visibleLine } from '../../protocol/visible.ts'
