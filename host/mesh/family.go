package mesh

// Family is a family of addresses. Its values are those of the contract.
type Family uint8

// The families.
const (
	FamilyUnknown Family = 0 // not said, or both
	FamilyIPv4    Family = 4
	FamilyIPv6    Family = 6
)

// Known reports whether it is one of the two.
func (f Family) Known() bool { return f == FamilyIPv4 || f == FamilyIPv6 }

// String returns "IPv4" or "IPv6", and "" for none.
func (f Family) String() string {
	switch f {
	case FamilyIPv4:
		return "IPv4"
	case FamilyIPv6:
		return "IPv6"
	}
	return ""
}
