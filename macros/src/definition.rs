//! What a `#[task]` is: its function, checked.

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, FnArg, Ident, ItemFn, LitStr, Pat, Result, ReturnType, Safety, Token, Type};

/// Most arguments of a task: as many as a submit takes.
const ARGUMENTS_MAX: usize = 8;

pub(crate) struct Definition {
    pub(crate) function: ItemFn,
    /// The types of its arguments.
    pub(crate) arguments: Vec<Type>,
    /// What it returns, as it is written.
    pub(crate) output: Type,
    /// Whether that is a `Result`.
    pub(crate) is_fallible: bool,
    /// The name that the user chose.
    pub(crate) name: Option<LitStr>,
}

impl Definition {
    pub(crate) fn parse(options: TokenStream, function: TokenStream) -> Result<Self> {
        let Options { name } = syn::parse2(options)?;
        let function: ItemFn = syn::parse2(function)
            .map_err(|error| Error::new(error.span(), format!("`#[task]` goes on a function with a body ({error})")))?;
        let signature = &function.sig;
        refuse(
            &signature.generics.params.first(),
            "a task has no generic parameters: another process looks it up by its \
             name; write one task for each type",
        )?;
        refuse(&signature.generics.where_clause, "a task has no `where` clause")?;
        let safety = (!matches!(signature.safety, Safety::Default)).then_some(&signature.safety);
        refuse(&safety, "a task is neither `unsafe` nor `safe`: it is called with whatever a peer sends")?;
        refuse(&signature.abi, "a task has Rust's own calling convention")?;
        refuse(&signature.constness, "a task cannot be `const`; call a `const fn` from it")?;
        refuse(&signature.variadic, "a task has a fixed number of arguments")?;
        if signature.inputs.len() > ARGUMENTS_MAX {
            let message = format!("a task has up to {ARGUMENTS_MAX} arguments; put some of them in a struct");
            return Err(Error::new(signature.inputs.span(), message));
        }
        let arguments = signature.inputs.iter().map(argument).collect::<Result<Vec<_>>>()?;
        let output = match &signature.output {
            ReturnType::Default => syn::parse_quote!(()),
            ReturnType::Type(_, output) => (**output).clone(),
        };
        owned(&output, "returns")?;
        let is_fallible = is_result(&output);
        Ok(Self { arguments, output, is_fallible, name, function })
    }
}

fn refuse(part: &Option<impl Spanned>, message: &str) -> Result<()> {
    match part {
        Some(part) => Err(Error::new(part.span(), message)),
        None => Ok(()),
    }
}

fn argument(argument: &FnArg) -> Result<Type> {
    match argument {
        FnArg::Receiver(receiver) => {
            Err(Error::new(receiver.span(), "a task is a free function: take `self` as an argument of its type"))
        }
        FnArg::Typed(typed) => {
            owned(&typed.ty, "takes")?;
            if let Pat::Rest(rest) = &*typed.pat {
                return Err(Error::new(rest.span(), "a task names its arguments"));
            }
            Ok((*typed.ty).clone())
        }
    }
}

fn owned(ty: &Type, verb: &str) -> Result<()> {
    match ty {
        Type::Reference(reference) if reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") => {
            let message = format!(
                "a task {verb} owned values, since it runs elsewhere and later: `String` instead of `&str`, `Vec<T>` \
                 instead of `&[T]`, `Arc<T>` to share"
            );
            Err(Error::new(reference.span(), message))
        }
        Type::ImplTrait(implementation) => {
            Err(Error::new(implementation.span(), format!("a task {verb} values of types that have a name")))
        }
        _ => Ok(()),
    }
}

/// Whether a type is written as some `Result<..>`; aliases such as `io::Result<T>` are.
fn is_result(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == "Result"),
        Type::Paren(inner) => is_result(&inner.elem),
        Type::Group(inner) => is_result(&inner.elem),
        _ => false,
    }
}

/// What stands in the parentheses of `#[task(..)]`.
struct Options {
    name: Option<LitStr>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.is_empty() {
            return Ok(Self { name: None });
        }
        let option: Ident = input.parse()?;
        if option != "name" {
            return Err(Error::new(option.span(), "the only option is `name = \"..\"`"));
        }
        input.parse::<Token![=]>()?;
        let name: LitStr = input.parse()?;
        if name.value().is_empty() {
            return Err(Error::new(name.span(), "a task's name has at least one character"));
        }
        if !input.is_empty() {
            return Err(input.error("nothing may follow the name"));
        }
        Ok(Self { name: Some(name) })
    }
}
