// `parameters` of a recipient names the addresses whose expansion led to it; their number says nothing more.

export const expandedFrom = 'ALTER TABLE queue_recipient DROP COLUMN expansions;'
