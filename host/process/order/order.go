package order

// Command is the argument by which our binary knows that it is the helper.
const Command = "spawn"

// Program says what is executed.
type Program uint8

// What an order asks for.
const (
	// ByPath executes the file at Path.
	ByPath Program = iota
	// ByDescriptor executes what the program's descriptor holds; the descriptor is
	// closed then.
	ByDescriptor
	// ScriptByDescriptor does the same for a file that begins with "#!": its interpreter
	// keeps one descriptor, to read it, behind those that are handed over.
	ScriptByDescriptor
	// Copy executes nothing: it copies the file at Path to the program's descriptor.
	Copy
)

// Order is what a helper is told.
type Order struct {
	Program Program
	Path    string   // absolute, or relative to the helper's own folder
	Argv    []string // with argv[0]
	Env     []string
	Dir     string // the folder to change to; empty to stay
	// MaxSize is the size of the largest file that is copied, in bytes.
	MaxSize uint64
	// Cgroup is the folder of the control group to go to; empty to stay.
	Cgroup string
	Limits []Limit
	// Rights are taken before the folder is changed and the program is opened.
	Rights Rights
}

// Limit is one resource limit, soft and hard: a RLIMIT_ constant and its value.
type Limit struct {
	Resource int
	Value    uint64
}

// magic begins an order: the version of the format is in it.
const magic = "meshos order 1\n"

// The tags of the fields.
const (
	tagProgram = 1 + iota
	tagPath
	tagArgv
	tagEnv
	tagDir
	tagMaxSize
)

// Tags of later fields.
const (
	tagCgroup = 32 + iota
	tagLimit
	tagAccount
	tagGroup
	tagUmask
	tagNice
	tagOOMScoreAdj
)

// Encode returns the order's bytes.
func (o Order) Encode() []byte {
	b := []byte(magic)
	b = appendField(b, tagProgram, string(rune(o.Program)))
	b = appendField(b, tagPath, o.Path)
	for _, arg := range o.Argv {
		b = appendField(b, tagArgv, arg)
	}
	for _, kv := range o.Env {
		b = appendField(b, tagEnv, kv)
	}
	b = appendField(b, tagDir, o.Dir)
	b = appendField(b, tagCgroup, o.Cgroup)
	for _, l := range o.Limits {
		b = appendField(b, tagLimit, string(appendNumber(appendNumber(nil, uint64(l.Resource)), l.Value)))
	}
	b = appendField(b, tagMaxSize, string(appendNumber(nil, o.MaxSize)))
	return o.Rights.encode(b)
}

// Decode reads an order; false if these are not the bytes of one. Unknown fields are
// skipped.
func Decode(b []byte) (o Order, ok bool) {
	if len(b) < len(magic) || string(b[:len(magic)]) != magic {
		return Order{}, false
	}
	b = b[len(magic):]
	for len(b) > 0 {
		tag := b[0]
		size, rest, ok := number(b[1:])
		if !ok || size > uint64(len(rest)) {
			return Order{}, false
		}
		value := string(rest[:size])
		b = rest[size:]
		switch tag {
		case tagProgram:
			if len(value) != 1 {
				return Order{}, false
			}
			o.Program = Program(value[0])
		case tagPath:
			o.Path = value
		case tagArgv:
			o.Argv = append(o.Argv, value)
		case tagEnv:
			o.Env = append(o.Env, value)
		case tagDir:
			o.Dir = value
		case tagMaxSize:
			if o.MaxSize, _, ok = number([]byte(value)); !ok {
				return Order{}, false
			}
		case tagCgroup:
			o.Cgroup = value
		case tagLimit:
			resource, rest, ok := number([]byte(value))
			if !ok {
				return Order{}, false
			}
			amount, _, ok := number(rest)
			if !ok {
				return Order{}, false
			}
			o.Limits = append(o.Limits, Limit{Resource: int(resource), Value: amount})
		default:
			if !o.Rights.decode(tag, []byte(value)) {
				return Order{}, false
			}
		}
	}
	return o, true
}

func appendField(b []byte, tag byte, value string) []byte {
	b = appendNumber(append(b, tag), uint64(len(value)))
	return append(b, value...)
}

// appendNumber appends a number, seven bits to a byte, the lowest first.
func appendNumber(b []byte, n uint64) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// number reads what appendNumber wrote.
func number(b []byte) (n uint64, rest []byte, ok bool) {
	for i := 0; i < len(b) && i < 10; i++ {
		n |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return n, b[i+1:], true
		}
	}
	return 0, nil, false
}
