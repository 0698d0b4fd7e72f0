package config

// DaemonLimits limit what a daemon takes, with all that it starts; 0 means no limit.
type DaemonLimits struct {
	Limits
	Core *int64 // bytes of a core dump, at most; 0 for none at all; nil for no limit
}

func (l *DaemonLimits) settings() []setting {
	return append(l.Limits.settings(), coreSize("core", &l.Core))
}

// coreSize is a size that may be 0.
func coreSize(key string, at **int64) setting {
	var value int64
	s := size(key, &value)
	set := s.set
	s.set = func(v any) *fault {
		if v == int64(0) {
			*at = new(int64)
			return nil
		}
		if f := set(v); f != nil {
			return f
		}
		*at = &value
		return nil
	}
	s.text = func() string {
		switch {
		case *at == nil:
			return ""
		case **at == 0:
			return "0"
		}
		return quote(formatSize(**at))
	}
	return s
}

func daemonLimits(key string, at *DaemonLimits) setting {
	return setting{
		key:     key,
		section: at.settings,
		text: func() string {
			if *at == (DaemonLimits{}) {
				return ""
			}
			return inlineSettings(at.settings())
		},
	}
}
