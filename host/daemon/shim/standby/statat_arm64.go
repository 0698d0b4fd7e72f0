package standby

import "syscall"

// sysStatAt is the system call that examines the file at a path.
const sysStatAt = syscall.SYS_FSTATAT
