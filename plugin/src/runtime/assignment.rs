//! Which execution provider got which nodes of a model, as its session tells.

use std::ffi::CStr;
use std::ptr;

use ort::AsPointer;
use ort::session::Session;
use ort::sys::OrtEpAssignedSubgraph;

/// Session option without which nothing is recorded.
pub const RECORD: &str = "session.record_ep_graph_assignment_info";

/// The providers of `session` by ONNX Runtime's names, with the number of the model's nodes that
/// each got.
///
/// # Errors
/// Where the session was made without [`RECORD`].
pub fn nodes_by_provider(session: &Session) -> ort::Result<Vec<(String, usize)>> {
    let mut providers: Vec<(String, usize)> = Vec::new();
    for subgraph in subgraphs(session)? {
        let (name, nodes) = read(*subgraph)?;
        match providers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += nodes,
            None => providers.push((name, nodes)),
        }
    }
    Ok(providers)
}

/// How many nodes `provider` has of how many.
pub fn share(assigned: &[(String, usize)], provider: &str) -> (usize, usize) {
    let all = assigned.iter().map(|(_, nodes)| nodes).sum();
    let own = assigned.iter().find(|(name, _)| name == provider);
    (own.map_or(0, |(_, nodes)| *nodes), all)
}

/// The providers for a sentence.
pub fn list(assigned: &[(String, usize)]) -> String {
    let names: Vec<&str> = assigned.iter().map(|(name, _)| name.as_str()).collect();
    names.join(" and ")
}

fn subgraphs(session: &Session) -> ort::Result<&[*const OrtEpAssignedSubgraph]> {
    let (mut first, mut count) = (ptr::null(), 0);
    // SAFETY: the session is alive, and both results are written to locals.
    let status = unsafe {
        (ort::api().Session_GetEpGraphAssignmentInfo)(session.ptr(), &mut first, &mut count)
    };
    // SAFETY: the status was just returned, and nobody else has taken it.
    unsafe { ort::Error::result_from_status(status) }?;
    if first.is_null() {
        return Ok(&[]);
    }
    // SAFETY: the call succeeded, so there are `count` pointers at `first`, which belong to the
    // session and do not change.
    Ok(unsafe { std::slice::from_raw_parts(first, count) })
}

/// The provider of a subgraph and its number of nodes. The pointer must be one of [`subgraphs`].
fn read(subgraph: *const OrtEpAssignedSubgraph) -> ort::Result<(String, usize)> {
    let api = ort::api();
    let mut name = ptr::null();
    // SAFETY: the subgraph belongs to a living session, and the result is written to a local.
    let status = unsafe { (api.EpAssignedSubgraph_GetEpName)(subgraph, &mut name) };
    // SAFETY: the status was just returned, and nobody else has taken it.
    unsafe { ort::Error::result_from_status(status) }?;
    let (mut nodes, mut count) = (ptr::null(), 0);
    // SAFETY: as for the name.
    let status = unsafe { (api.EpAssignedSubgraph_GetNodes)(subgraph, &mut nodes, &mut count) };
    // SAFETY: as for the name.
    unsafe { ort::Error::result_from_status(status) }?;
    // SAFETY: the call succeeded, so the name is a zero-terminated string of the session.
    let name = unsafe { CStr::from_ptr(name) };
    Ok((name.to_string_lossy().into_owned(), count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_without_nodes_is_told_from_one_with_some() {
        let assigned = [("CUDA".to_owned(), 40), ("CPU".to_owned(), 2)];
        assert_eq!(share(&assigned, "CUDA"), (40, 42));
        assert_eq!(share(&assigned[1..], "CUDA"), (0, 2));
        assert_eq!(list(&assigned), "CUDA and CPU");
    }
}
