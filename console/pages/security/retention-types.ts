/** What model servers may keep of requests, as choices of a form. */

export const retentionTypes = [
  { value: 'modified_abuse_monitoring', label: 'Modified abuse monitoring' },
  { value: 'enhanced_modified_abuse_monitoring', label: 'Enhanced modified abuse monitoring' },
  { value: 'zero_data_retention', label: 'Zero data retention' },
  { value: 'enhanced_zero_data_retention', label: 'Enhanced zero data retention' },
] as const

export const projectRetentionTypes = [
  { value: 'organization_default', label: 'As the organization' },
  { value: 'none', label: 'None' },
  ...retentionTypes,
] as const

export const retentionHint =
  'Under zero data retention, no request may be stored by the model server, whatever it says, and usage is kept without the ids of people and their keys. The other choices pass requests on as they are.'
