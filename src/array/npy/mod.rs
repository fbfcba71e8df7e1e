//! Arrays in `.npy` files, NumPy's own format: read and written block by block.

mod file;
mod header;

use std::path::Path;

use crate::array::block_node::block_node;
use crate::array::kernel::Kernel;
use crate::array::{Array, ArrayError, Chunks, Element, Layout, whole};
use crate::{Delayed, delayed};

pub(crate) use self::file::{Npy, Region};
use self::header::Header;

/// An array that lies in a `.npy` file. Its header is read at once, and each block when it is computed: the blocks of an array
/// that is larger than memory come and go.
///
/// Files in C and in Fortran order, of either byte order, of all [element types](Element) are read, in versions 1 to 3 of the
/// format. Chunks that are long along the last axis (in Fortran order: the first) are read in fewer pieces. On a cluster
/// every worker reads the file by this path.
///
/// # Errors
///
/// [`ArrayError::File`] if the file cannot be read, is no `.npy` file, is shorter than its header says, or has elements of another
/// type: the message says which. Those of [`Layout::new`].
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let path = std::env::temp_dir().join("anydask-from-npy.npy");
/// let x = array::linspace(0.0, 1.0, 100, 30);
/// client.compute(&x.store_npy(&path)?).wait()?;
///
/// let y = array::from_npy::<f64>(&path, 25)?;
/// assert_eq!(client.compute(&y).wait()?, client.compute(&x).wait()?);
/// let error = array::from_npy::<i32>(&path, 25).unwrap_err();
/// assert!(error.to_string().ends_with("its elements are f64 and not i32: read them as f64, then `cast`"));
/// # std::fs::remove_file(&path)?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn from_npy<T: Element>(path: impl AsRef<Path>, chunks: impl Into<Chunks>) -> Result<Array<T>, ArrayError> {
    let path = text(path.as_ref())?;
    let header = Header::read(&path)?;
    if header.element != T::TYPE {
        let message =
            format!("its elements are {0} and not {1}: read them as {0}, then `cast`", header.element, T::TYPE);
        return Err(ArrayError::File { path, message });
    }
    let layout = Layout::new(header.shape.as_slice(), chunks)?;
    Ok(Array::build(layout.clone(), |place| {
        let region = Region { offset: layout.block_offset(place), shape: layout.block_shape(place) };
        (Kernel::Npy(Npy::Read { path: path.clone(), header: header.clone(), region }), Vec::new())
    }))
}

impl<T: Element> Array<T> {
    /// Writes the array to a `.npy` file, block by block, once this is computed. NumPy's `np.load` reads it.
    ///
    /// It is written to `path` with `.part` added, and moved to `path` when it is whole: so a file of that name is never half
    /// written, and one that was there is replaced at once. On a cluster every worker writes to the file by this path.
    ///
    /// # Errors
    ///
    /// At once: the error that the array carries, and [`ArrayError::File`] for a path that is no text. When it is computed:
    /// [`ArrayError::File`] if the file cannot be written.
    ///
    /// # Examples
    ///
    /// See [`from_npy`].
    pub fn store_npy(&self, path: impl AsRef<Path>) -> Result<Delayed<()>, ArrayError> {
        self.ok()?;
        let path = text(path.as_ref())?;
        let part = format!("{path}.part");
        let header = Header::new(T::TYPE, self.shape().to_vec());
        let npy = |npy, place: &[usize], inputs| block_node(Kernel::Npy(npy), place, 0, inputs);
        let create = npy(Npy::Create { path: part.clone(), header: header.clone() }, &[], Vec::new());
        let write = |(place, block): (Vec<usize>, &Delayed<_>)| {
            let region =
                Region { offset: self.layout().block_offset(&place), shape: self.layout().block_shape(&place) };
            let write = Npy::Write { path: part.clone(), header: header.clone(), region };
            npy(write, &place, vec![block.clone(), create.clone()])
        };
        let written: Vec<_> = self.layout().blocks().zip(self.blocks()).map(write).collect();
        let finish = npy(Npy::Finish { from: part.clone(), to: path }, &[], written);
        Ok(delayed(whole::done, finish))
    }
}

/// The path as it goes to other processes.
fn text(path: &Path) -> Result<String, ArrayError> {
    path.to_str().map(str::to_owned).ok_or_else(|| ArrayError::File {
        path: path.display().to_string(),
        message: "the path is not UTF-8, so it cannot be told to a task: give one that is".into(),
    })
}

/// The header of a file of ours, for tests.
#[cfg(all(test, feature = "dask"))]
pub(crate) fn header_of(element: crate::array::ElementType, shape: Vec<usize>) -> Header {
    Header::new(element, shape)
}

/// The error of a file.
fn wrong(path: &str, message: impl Into<String>) -> ArrayError {
    ArrayError::File { path: path.to_owned(), message: message.into() }
}
