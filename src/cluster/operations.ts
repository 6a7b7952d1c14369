// Every operation of the cluster, for the store thread, which finds a write by its name.
import { enterNode, forgetNodes, leaveNode, readCluster } from './nodes.ts'

export const clusterOperations = [enterNode, leaveNode, forgetNodes, readCluster] as const
