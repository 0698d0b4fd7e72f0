package main

import (
	"slices"
	"strings"
)

// notableFeatures returns the CPU features that programs are built for, by the kernel's
// names on amd64 and arm64.
func notableFeatures() []string {
	return []string{
		"aes", "amx_bf16", "amx_int8", "amx_tile", "avx", "avx2", "avx512_bf16", "avx512_fp16", "avx512_vnni",
		"avx512bw", "avx512dq", "avx512f", "avx512vl", "avx_vnni", "bmi2", "f16c", "fma", "gfni", "pclmulqdq", "popcnt",
		"sha_ni", "sse4_1", "sse4_2", "svm", "vaes", "vmx", "vpclmulqdq",
		"asimd", "asimddp", "asimdhp", "atomics", "bf16", "crc32", "i8mm", "pmull", "sha1", "sha2", "sha3", "sha512",
		"sme", "sve", "sve2",
	}
}

// machine is what capabilities are derived from.
type machine struct {
	arch, os, kernel string
	features         []string // of the CPU, as the kernel names them
}

// capabilities returns dotted names for the machine, and the operator's tags unchanged:
// sorted, without duplicates and empty names.
func (m machine) capabilities(tags []string) []string {
	var names []string
	add := func(prefix, name string) {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, prefix+name)
		}
	}
	add("arch.", m.arch)
	add("os.", m.os)
	add("kernel.", m.kernel)
	notable := notableFeatures()
	for _, f := range m.features {
		if slices.Contains(notable, f) {
			add("cpu.", f)
		}
	}
	for _, t := range tags {
		add("", t)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
