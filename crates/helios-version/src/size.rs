//! How much a branch stores of its own.

use helios_base::{BranchId, Result};
use helios_kv::Keyspace;

use crate::core::Core;
use crate::gc::objects_of;
use crate::keys::ObjectRange;

impl Core {
    /// Bytes of keys and values that the branch wrote and that are still stored.
    pub(crate) fn branch_bytes(&self, branch: BranchId) -> Result<u64> {
        let kv = self.kv.snapshot();
        let mut bytes = 0;
        for keyspace in [Keyspace::Current, Keyspace::History, Keyspace::Index] {
            for object in objects_of(&*kv, keyspace, branch)? {
                let range = ObjectRange::all(object, branch);
                let mut cursor = kv.scan(keyspace, range.bounds(), false)?;
                while let Some((key, value)) = cursor.next()? {
                    bytes += (key.len() + value.len()) as u64;
                }
            }
        }
        Ok(bytes)
    }
}
