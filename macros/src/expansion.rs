//! What a `#[task]` becomes.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{GenericArgument, PathArguments, Type};

use crate::definition::Definition;

pub(crate) fn expand(definition: &Definition) -> TokenStream {
    let Definition { function, arguments, output, is_fallible, name } = definition;
    let (visibility, ident) = (&function.vis, &function.sig.ident);
    let is_asynchronous = function.sig.asyncness.is_some();

    let name = match name {
        Some(name) => quote!(#name),
        None => quote!(::core::concat!(::core::module_path!(), "::", ::core::stringify!(#ident))),
    };
    // Its calls with the items of a vector are a task, too.
    let name_of = |form: &str| match &definition.name {
        Some(name) => {
            let name = format!("{}{form}", name.value());
            quote!(#name)
        }
        None => quote!(::core::concat!(::core::module_path!(), "::", ::core::stringify!(#ident), #form)),
    };
    let values: Vec<_> = (0..arguments.len()).map(|index| format_ident!("argument_{index}")).collect();

    // The function itself stands inside `deref`, where its body still finds all that stands around the task.
    let mut inner = function.clone();
    inner.vis = syn::Visibility::Inherited;
    let (docs, attributes): (Vec<_>, Vec<_>) =
        inner.attrs.drain(..).partition(|attribute| attribute.path().is_ident("doc"));
    let (cfgs, attributes): (Vec<_>, Vec<_>) =
        attributes.into_iter().partition(|attribute| attribute.path().is_ident("cfg"));
    inner.attrs = attributes;
    inner.sig.ident = format_ident!("body");
    let returned = if is_asynchronous {
        quote!(::core::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = #output> + ::core::marker::Send>>)
    } else {
        quote!(#output)
    };
    let callable = if is_asynchronous {
        quote! {
            fn boxed(#(#values: #arguments),*) -> #returned {
                ::std::boxed::Box::pin(body(#(#values),*))
            }
            const FUNCTION: fn(#(#arguments),*) -> #returned = boxed;
        }
    } else {
        quote!(const FUNCTION: fn(#(#arguments),*) -> #returned = body;)
    };

    let value = match is_fallible {
        true => quote!(<#output as ::anydask::__private::Fallibility>::Value),
        false => quote!(#output),
    };
    // What is written with a reference cannot be decoded; the rest is found out where the features are known.
    let form = |ty: &Type| if has_reference(ty) { quote!(borrowed) } else { quote!(owned) };
    let forms: Vec<_> = arguments.iter().map(form).collect();
    let written_value = if *is_fallible { value_of_result(output) } else { output };
    let value_form = form(written_value);
    let into_result = match is_fallible {
        true => quote!(::anydask::__private::Fallibility::into_result(returned)),
        false => quote!(::core::result::Result::Ok(returned)),
    };
    let location = quote!(::core::concat!(::core::file!(), ":", ::core::line!()));
    let (export_items, register_items) = match (&arguments[..], &forms[..]) {
        ([argument], [form]) => {
            let name = name_of("[]");
            (
                quote!(::anydask::__private::export_items!(#name, #form #argument, #value_form #value);),
                quote! {
                    ::anydask::__private::register_items!(
                        #ident, #name, #location, #is_asynchronous, #form #argument, #value_form #value
                    );
                },
            )
        }
        ([first, item], _) if !arguments.iter().chain([written_value]).any(has_reference) => {
            let name = name_of("[fold]");
            (
                quote!(::anydask::__private::export_fold!(#name, #first, #item, #value);),
                quote! {
                    ::anydask::__private::register_fold!(
                        #ident, #name, #location, #is_asynchronous, #first, #item, #value
                    );
                },
            )
        }
        _ => (quote!(), quote!()),
    };
    let call = if is_asynchronous {
        quote! {
            let future = self(#(#values),*);
            ::anydask::__private::Call::Future(::std::boxed::Box::pin(async move {
                let returned = future.await;
                #into_result
            }))
        }
    } else {
        quote! {
            let returned = self(#(#values),*);
            ::anydask::__private::Call::Returned(#into_result)
        }
    };

    quote! {
        #(#cfgs)*
        #(#docs)*
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, Debug)]
        #visibility struct #ident;

        #(#cfgs)*
        #[allow(clippy::unused_unit)]
        const _: () = {
            impl ::core::ops::Deref for #ident {
                type Target = fn(#(#arguments),*) -> #returned;

                fn deref(&self) -> &Self::Target {
                    #inner
                    #callable
                    &FUNCTION
                }
            }

            impl ::anydask::TaskFn<(#(#arguments,)*)> for #ident {
                type Output = #value;

                const ASYNCHRONOUS: bool = #is_asynchronous;

                fn call(&self, (#(#values,)*): (#(#arguments,)*)) -> ::anydask::__private::Call<#value> {
                    #call
                }

                fn name() -> &'static str {
                    #name
                }

                ::anydask::__private::export!(#name, [#(#forms #arguments,)*], #value_form #value);
                #export_items
            }

            ::anydask::__private::register!(
                #ident,
                #name,
                #location,
                #is_asynchronous,
                [#(#forms #arguments,)*],
                #value_form #value
            );
            #register_items
        };
    }
}

/// Whether a reference stands somewhere in a type.
fn has_reference(ty: &Type) -> bool {
    fn is_in(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Punct(punct) => punct.as_char() == '&',
            TokenTree::Group(group) => is_in(group.stream()),
            _ => false,
        })
    }
    is_in(ty.to_token_stream())
}

/// What a type that is some `Result` has for `Ok`, as far as it is written there.
fn value_of_result(ty: &Type) -> &Type {
    let value = match ty {
        Type::Path(path) => path.path.segments.last().and_then(|segment| match &segment.arguments {
            PathArguments::AngleBracketed(arguments) => arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            }),
            _ => None,
        }),
        Type::Paren(inner) => return value_of_result(&inner.elem),
        Type::Group(inner) => return value_of_result(&inner.elem),
        _ => None,
    };
    value.unwrap_or(ty)
}
