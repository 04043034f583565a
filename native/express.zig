//! What the model server does in compiled code: the functions that it exports, and no more.

const builtin = @import("builtin");

/// What is linked into the library; bills of materials read it from there.
export const express_parts = ("Zig " ++ builtin.zig_version_string ++ " std").*;

/// The version of this interface: a library of another one is not used.
export fn express_version() u32 {
    return 1;
}
