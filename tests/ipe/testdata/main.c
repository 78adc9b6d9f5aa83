/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads policies: for each a size, 4 bytes in the machine's byte order, and the text. Prints for each one line: "refused", or the
 * parsed policy, and the decision about each operation and file, A (allow) or D (deny).
 */
static const char *const operations[] = {
	"EXECUTE", "FIRMWARE", "KMODULE", "KEXEC_IMAGE", "KEXEC_INITRAMFS", "POLICY", "X509_CERT",
};
static const char *const actions[] = { "ALLOW", "DENY", "-" };
static const char *const properties[] = {
	"boot_verified=FALSE", "boot_verified=TRUE", "dmverity_roothash=", "dmverity_signature=FALSE", "dmverity_signature=TRUE",
	"fsverity_digest=", "fsverity_signature=FALSE", "fsverity_signature=TRUE",
};

static void print_rule(const struct ipe_rule *rule)
{
	const struct ipe_prop *property;

	printf(" {%s", operations[rule->op]);
	list_for_each_entry(property, &rule->props, next) {
		const struct digest_info *digest = property->value;

		printf(" %s", properties[property->type]);
		if (!digest)
			continue;
		printf("%s:", digest->alg);
		for (size_t i = 0; i < digest->digest_len; i++)
			printf("%02x", digest->digest[i]);
	}
	printf(" %s}", actions[rule->action]);
}

static void print_policy(const struct ipe_parsed_policy *policy)
{
	printf("%s %d.%d.%d default=%s", policy->name, policy->version.major, policy->version.minor, policy->version.rev,
	       actions[policy->global_default_action]);
	for (int o = 0; o < __IPE_OP_MAX; o++) {
		const struct ipe_rule *rule;

		if (policy->rules[o].default_action != IPE_ACTION_INVALID)
			printf(" [%s %s]", operations[o], actions[policy->rules[o].default_action]);
		list_for_each_entry(rule, &policy->rules[o].rules, next)
			print_rule(rule);
	}
}

/* print_decisions has the order of files of kernel_test.go: initramfs, volume, its signature, file, its signature. */
static void print_decisions(void)
{
	static u8 digests[4][32];

	for (int i = 0; i < 4; i++)
		memset(digests[i], 0x11 * (i + 1), 32);
	putchar(' ');
	for (int o = 0; o < __IPE_OP_MAX; o++)
		for (int f = 0; f < 2 * 3 * 2 * 3 * 2; f++) {
			int volume = f / 12 % 3, file = f / 2 % 3;
			struct digest_info root_hash = { "sha256", digests[volume ? volume - 1 : 0], 32 };
			struct ipe_bdev device = { .dm_verity_signed = volume && f / 6 % 2, .root_hash = volume ? &root_hash : NULL };
			struct inode inode = { .digest = file ? digests[file + 1] : NULL };
			struct ipe_inode blob = { .fs_verity_signed = f % 2 };
			struct ipe_eval_ctx context = {
				.op = o, .initramfs = f / 36, .ipe_bdev = &device, .ino = &inode, .ipe_inode = &blob,
			};

			putchar(ipe_evaluate_event(&context) ? 'D' : 'A');
		}
}

int main(void)
{
	uint32_t size;

	while (fread(&size, sizeof(size), 1, stdin) == 1) {
		char *text = malloc(size + 1);
		struct ipe_policy policy = { .text = text, .textlen = size };

		if (!text || fread(text, 1, size, stdin) != size)
			return 1;
		if (ipe_parse_policy(&policy)) {
			printf("refused");
		} else {
			print_policy(policy.parsed);
			ipe_active_policy = &policy;
			print_decisions();
			ipe_free_parsed_policy(policy.parsed);
		}
		putchar('\n');
		fflush(stdout);
		free(text);
	}
	return 0;
}
