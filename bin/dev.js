#!/usr/bin/env node
// The same hoop, for whoever works on it: oclif says everything it knows, errors have their stacks.
import process from 'node:process'

process.env.HOOP_DEBUG ??= '1'
process.env.NODE_ENV ??= 'development'
await import('./run.js')
