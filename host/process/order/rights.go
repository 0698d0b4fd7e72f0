package order

// Rights are with which rights a program is executed. The zero value changes nothing.
type Rights struct {
	// Account is what the helper becomes, for good; nil to stay what it is.
	Account *Account
	// These are set if they are not nil.
	Umask       *int
	Nice        *int
	OOMScoreAdj *int
}

// Account is a user with its groups.
type Account struct {
	UID, GID uint32
	Groups   []uint32 // the supplementary ones
}

func (r Rights) encode(b []byte) []byte {
	if a := r.Account; a != nil {
		b = appendField(b, tagAccount, string(appendNumber(appendNumber(nil, uint64(a.UID)), uint64(a.GID))))
		for _, gid := range a.Groups {
			b = appendField(b, tagGroup, string(appendNumber(nil, uint64(gid))))
		}
	}
	for _, one := range []struct {
		tag   byte
		value *int
	}{{tagUmask, r.Umask}, {tagNice, r.Nice}, {tagOOMScoreAdj, r.OOMScoreAdj}} {
		if one.value != nil {
			b = appendField(b, one.tag, string(appendNumber(nil, uint64(*one.value)))) // its two's complement
		}
	}
	return b
}

// decode takes a field; false if its value makes no sense. A field that is not one of
// these is skipped.
func (r *Rights) decode(tag byte, value []byte) bool {
	switch tag {
	case tagAccount, tagGroup, tagUmask, tagNice, tagOOMScoreAdj:
	default:
		return true
	}
	n, rest, ok := number(value)
	if !ok {
		return false
	}
	signed := int(n)
	switch tag {
	case tagAccount:
		gid, _, ok := number(rest)
		r.Account = &Account{UID: uint32(n), GID: uint32(gid)}
		return ok
	case tagGroup:
		if r.Account == nil {
			return false
		}
		r.Account.Groups = append(r.Account.Groups, uint32(n))
	case tagUmask:
		r.Umask = &signed
	case tagNice:
		r.Nice = &signed
	case tagOOMScoreAdj:
		r.OOMScoreAdj = &signed
	}
	return true
}
