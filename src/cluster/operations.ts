// Every operation of the cluster, for the store thread, which finds a write by its name.
import { takeIdSpaces } from './id-spaces.ts'
import { enterNode, findDeliveryNode, forgetNodes, leaveNode, readCluster } from './nodes.ts'

export const clusterOperations = [
  takeIdSpaces,
  enterNode,
  leaveNode,
  forgetNodes,
  readCluster,
  findDeliveryNode,
] as const
