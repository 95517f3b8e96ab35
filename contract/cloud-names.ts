/**
 * How cloud providers name what external keys and external storage consist of: the form of each
 * name, which is all that can be checked without asking the provider.
 */
import { t } from './kit.ts'

export const providerTypes = ['aws', 'gcp', 'azure', 'oci'] as const
export type ProviderType = (typeof providerTypes)[number]

/** Which members go with a type of provider. */
export interface Members {
  required: readonly string[]
  optional?: readonly string[]
}

const text = (pattern: string, maxLength: number, description: string) =>
  t.String({ minLength: 1, maxLength, pattern, description })

const UUID = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'
const ocid = (kind: string, description: string) =>
  text(`^ocid1\\.${kind}\\.[a-z0-9-]+\\.[a-z0-9-]*(\\.[a-zA-Z0-9_-]+)+$`, 255, description)

export const cloudNames = {
  roleArn: () => text('^arn:aws[a-z-]*:iam::\\d{12}:role/[\\w+=,.@/-]+$', 2048, 'The ARN of the role that may use it.'),
  kmsArn: () =>
    text(
      '^arn:aws[a-z-]*:kms:[a-z0-9-]+:\\d{12}:(key|alias)/[a-zA-Z0-9:/_-]+$',
      2048,
      'The ARN of the master key in AWS KMS.',
    ),
  s3Bucket: () => text('^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$', 63, 'The bucket.'),
  projectNumber: () => text('^\\d+$', 20, 'The number of the Google Cloud project with the identity pool.'),
  identityPool: () => text('^[a-z0-9-]{4,32}$', 32, 'The workload identity pool.'),
  identityProvider: () => text('^[a-z0-9-]{4,32}$', 32, 'The provider in the workload identity pool.'),
  googleProject: () =>
    text('^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$', 255, 'The name of the Google Cloud project with the key.'),
  kmsLocation: () => text('^[a-z]+(-[a-z0-9]+)*$', 63, 'The location of the key, such as `europe-west1`.'),
  kmsName: (description: string) => text('^[a-zA-Z0-9_-]{1,63}$', 63, description),
  kmsVersion: () => text('^\\d+$', 20, 'The exact number of the key version.'),
  tenantId: () => text(`^${UUID}$`, 36, 'The UUID of the Azure tenant.'),
  subscriptionId: () => text(`^${UUID}$`, 36, 'The UUID of the Azure subscription.'),
  resourceGroup: () => text('^[\\w().-]{0,89}[\\w()-]$', 90, 'The Azure resource group.'),
  storageAccount: () => text('^[a-z0-9]{3,24}$', 24, 'The Azure storage account.'),
  container: () => ({ ...text('^[a-z0-9]+(-[a-z0-9]+)*$', 63, 'The Azure blob container.'), minLength: 3 }),
  vaultUri: () =>
    text(
      '^https://[a-zA-Z0-9-]{3,24}\\.(vault|managedhsm)\\.(azure\\.net|azure\\.cn|usgovcloudapi\\.net)/?$',
      255,
      'The URI of the Azure key vault, such as `https://name.vault.azure.net`.',
    ),
  vaultKey: () => text('^[a-zA-Z0-9-]{1,127}$', 127, 'The name of the key in the Azure key vault.'),
  vaultKeyVersion: () => text('^[0-9a-fA-F]{32}$', 32, 'The exact version of the key.'),
  ociRegion: () => text('^[a-z]{2,4}(-[a-z]+)+-\\d+$', 63, 'The OCI region, such as `eu-frankfurt-1`.'),
  ociVault: () => ocid('vault', 'The OCID of the vault.'),
  ociKey: () => ocid('key', 'The OCID of the key in the vault.'),
  ociKeyVersion: () => ocid('keyversion', 'The OCID of the exact version of the key.'),
  ociTenancy: () => ocid('tenancy', 'The OCID of the tenancy.'),
  bucket: (description: string) => text('^[a-zA-Z0-9._-]+$', 256, description),
}
