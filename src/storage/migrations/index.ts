// Numbered migrations, run in order at start, each in its own transaction. The number is the position, from 1.
import { initial } from './0001-initial.ts'
import { expandedFrom } from './0002-expanded-from.ts'
import { nodes } from './0003-nodes.ts'
import { shards } from './0004-shards.ts'
import { cluster } from './0005-cluster.ts'

export const migrations: readonly string[] = [initial, expandedFrom, nodes, shards, cluster]
